/*
 * The file `mixer` of a software sound card: one property a line, its value after it. `control` begins a control, and
 * what follows it belongs to it; `#` at the start of a line begins a comment.
 *
 *	control PGA Capture Volume  the name, as the kernel names control elements
 *	index 0                     tells apart controls of one name
 *	type integer                or: switch, enumerated
 *	channels 1
 *	range 0 100                 of an integer
 *	db -1200 50                 what its lowest value and one step are, in hundredths of a dB; none if left out
 *	item Line In                of an enumerated control, a line for each
 *	value 0                     what all its channels stand at until set; an item by its number, from 0
 *	at_most 60                  a larger value is taken as this, without a word
 *	read_error 22, write_error 5    reading, or writing, fails with this errno
 *	unplugs                     writing it makes the card vanish: all fails with ENODEV until `mixer.gone` is removed
 *
 * Control N, from 0 in the file's order, has its values in the file `control.N` once it was set: a number for each
 * channel. Anybody may read it and put another in its place (write beside and rename). Each write through libasound
 * adds the line `N VALUE...` to `mixer.log`, with what was asked for.
 */
#define _GNU_SOURCE
#include "controls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTROLS_MAX = 256, LINE_BYTES = 256 };

/* ---- what there is ---- */

static bool read_number(const char **rest, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(*rest, &end, 10);
	if (end == *rest || errno || *value < INT_MIN || *value > INT_MAX)
		return false;
	*rest = end;
	return true;
}

/* `count` numbers, and nothing after them. */
static bool read_numbers(const char *rest, unsigned int count, long *value)
{
	for (unsigned int i = 0; i < count; i++)
		if (!read_number(&rest, &value[i]))
			return false;
	return !rest[strspn(rest, " \t")];
}

static bool set_text(char *to, size_t size, const char *text)
{
	return *text && snprintf(to, size, "%s", text) < (int)size;
}

static bool set_type(struct control *control, const char *word)
{
	if (!strcmp(word, "integer"))
		control->type = SND_CTL_ELEM_TYPE_INTEGER;
	else if (!strcmp(word, "switch"))
		control->type = SND_CTL_ELEM_TYPE_BOOLEAN;
	else if (!strcmp(word, "enumerated"))
		control->type = SND_CTL_ELEM_TYPE_ENUMERATED;
	else
		return false;
	if (control->type != SND_CTL_ELEM_TYPE_INTEGER)
		control->high = 1;
	return true;
}

static bool set_item(struct control *control, const char *text)
{
	if (control->items == ITEMS_MAX || !set_text(control->item[control->items], ITEM_BYTES, text))
		return false;
	control->high = control->items++;
	return true;
}

static bool set_number(struct control *control, const char *name, const char *rest)
{
	long value[2];

	if (!strcmp(name, "range") && read_numbers(rest, 2, value)) {
		control->low = value[0];
		control->high = value[1];
		return value[0] <= value[1];
	}
	if (!strcmp(name, "db") && read_numbers(rest, 2, value)) {
		control->has_db = true;
		control->db_low = value[0];
		control->db_step = value[1];
		return value[1] > 0 && value[1] <= 0xffff;
	}
	if (!read_numbers(rest, 1, value))
		return false;
	if (!strcmp(name, "value"))
		control->first = value[0];
	else if (!strcmp(name, "at_most"))
		control->at_most = value[0];
	else if (!strcmp(name, "index") && value[0] >= 0)
		control->index = value[0];
	else if (!strcmp(name, "channels") && value[0] >= 1 && value[0] <= CHANNELS_MAX)
		control->channels = value[0];
	else if (!strcmp(name, "read_error") && value[0] > 0)
		control->read_error = value[0];
	else if (!strcmp(name, "write_error") && value[0] > 0)
		control->write_error = value[0];
	else
		return false;
	return true;
}

static bool begin_control(struct controls *controls, const char *name)
{
	struct control *control;

	if (controls->count == CONTROLS_MAX)
		return false;
	control = reallocarray(controls->control, controls->count + 1, sizeof(*control));
	if (!control)
		return false;
	controls->control = control;
	control += controls->count++;
	*control = (struct control){
		.type = SND_CTL_ELEM_TYPE_INTEGER, .channels = 1, .high = 100, .at_most = LONG_MAX,
	};
	return set_text(control->name, NAME_BYTES, name);
}

static bool read_line(struct controls *controls, char *line)
{
	struct control *control;
	char *rest, *name;

	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '#' || !line[strspn(line, " \t")])
		return true;
	rest = line + strspn(line, " \t");
	name = strsep(&rest, " \t");
	rest = rest ? rest + strspn(rest, " \t") : "";
	if (!strcmp(name, "control"))
		return begin_control(controls, rest);
	if (!controls->count)
		return false;
	control = &controls->control[controls->count - 1];
	if (!strcmp(name, "type"))
		return set_type(control, rest);
	if (!strcmp(name, "item"))
		return set_item(control, rest);
	if (!strcmp(name, "unplugs"))
		return control->unplugs = true;
	return set_number(control, name, rest);
}

int controls_read(int directory, struct controls *controls)
{
	char line[LINE_BYTES];
	int number = 0, err = 0;
	int fd = openat(directory, "mixer", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	*controls = (struct controls){ 0 };
	if (!file) {
		err = errno == ENOENT ? 0 : -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && fgets(line, sizeof(line), file)) {
		number++;
		if (!read_line(controls, line))
			err = -EINVAL;
	}
	if (err)
		SNDERR("softcard: line %d of the card's mixer is not understood", number);
	fclose(file);
	return err;
}

void controls_free(struct controls *controls)
{
	free(controls->control);
	*controls = (struct controls){ 0 };
}

/* ---- what it stands at ---- */

static bool gone(int directory)
{
	return faccessat(directory, "mixer.gone", F_OK, 0) == 0;
}

static int make_gone(int directory)
{
	int fd = openat(directory, "mixer.gone", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return -ENODEV;
}

/* Numbers in a line, into `text`; its length. */
static int format_values(char *text, size_t size, const struct control *control, const long *value)
{
	int length = 0;

	for (unsigned int i = 0; i < control->channels; i++)
		length += snprintf(text + length, size - length, "%s%ld", i ? " " : "", value[i]);
	return length + snprintf(text + length, size - length, "\n");
}

static int write_file(int directory, const char *name, int flags, const char *text, int length)
{
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, length) != length)
		err = -EIO;
	close(fd);
	return err;
}

int control_get(int directory, const struct controls *controls, unsigned int number, long *value)
{
	const struct control *control = &controls->control[number];
	char name[32], text[LINE_BYTES];
	ssize_t length;
	int fd;

	if (gone(directory))
		return -ENODEV;
	if (control->read_error)
		return -control->read_error;
	snprintf(name, sizeof(name), "control.%u", number);
	fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		for (unsigned int i = 0; i < control->channels; i++)
			value[i] = control->first;
		return errno == ENOENT ? 0 : -errno;
	}
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length < 0)
		return -EIO;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return read_numbers(text, control->channels, value) ? 0 : -EINVAL;
}

int control_set(int directory, const struct controls *controls, unsigned int number, const long *value)
{
	const struct control *control = &controls->control[number];
	long before[CHANNELS_MAX], after[CHANNELS_MAX];
	char name[32], beside[40], text[LINE_BYTES];
	int length, err = control_get(directory, controls, number, before);

	if (err < 0)
		return err;
	length = snprintf(text, sizeof(text), "%u ", number);
	length += format_values(text + length, sizeof(text) - length, control, value);
	err = write_file(directory, "mixer.log", O_APPEND, text, length);
	if (err < 0)
		return err;
	if (control->unplugs)
		return make_gone(directory);
	if (control->write_error)
		return -control->write_error;
	for (unsigned int i = 0; i < control->channels; i++) {
		if (value[i] < control->low || value[i] > control->high)
			return -EINVAL;
		after[i] = value[i] < control->at_most ? value[i] : control->at_most;
	}
	if (!memcmp(before, after, control->channels * sizeof(*after)))
		return 0;
	snprintf(name, sizeof(name), "control.%u", number);
	snprintf(beside, sizeof(beside), "%s.new", name);
	err = write_file(directory, beside, O_TRUNC, text, format_values(text, sizeof(text), control, after));
	if (err >= 0 && renameat(directory, beside, directory, name) < 0)
		err = -errno;
	return err;
}
