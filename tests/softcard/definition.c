/*
 * The definition file of a software sound card: one property a line, its values after it; `#` begins a comment.
 *
 *	formats S16_LE S32_LE       sample formats by their ALSA names
 *	rates 16000 48000           Hz
 *	channels 1 2
 *	clock real                  or: manual
 *	ppm 0                       clock error in parts per million
 *	speed 1                     times real time
 *	loop yes                    or: no
 *	period_bytes 64 1048576     smallest and largest
 *	periods 2 1024              smallest and largest number of periods in the buffer
 *	present yes                 or: no
 *
 * A property counts for both directions, or for one when written as `capture.rates` or `playback.rates`; the last
 * line that applies wins. What is not said is as above, with S16_LE, 48000 and 2 alone in the three lists.
 */
#include "definition.h"

#include <alsa/asoundlib.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char blanks[] = " \t\r\n";

static bool read_real(const char *word, double *value)
{
	char *end = NULL;

	*value = word ? strtod(word, &end) : 0;
	return word && !*end && fabs(*value) <= 1e9;
}

/* One of two words; true for the first. */
static bool read_choice(const char *word, const char *first, const char *second, bool *value)
{
	*value = word && !strcmp(word, first);
	return *value || (word && !strcmp(word, second));
}

static bool read_value(const char *word, bool is_format, unsigned int *value)
{
	double number;

	if (is_format) {
		*value = snd_pcm_format_value(word);
		return *value != (unsigned int)SND_PCM_FORMAT_UNKNOWN;
	}
	if (!read_real(word, &number) || number < 1 || number != floor(number))
		return false;
	*value = number;
	return true;
}

/* Between `fewest` and `most` values. */
static bool read_values(char *word, char **rest, bool is_format, unsigned int fewest, unsigned int most,
                        struct values *values)
{
	for (values->count = 0; word; word = strtok_r(NULL, blanks, rest))
		if (values->count == most || !read_value(word, is_format, &values->value[values->count++]))
			return false;
	return values->count >= fewest;
}

static bool set_property(struct definition *definition, const char *name, char **rest)
{
	char *word = strtok_r(NULL, blanks, rest);

	if (!strcmp(name, "formats"))
		return read_values(word, rest, true, 1, VALUES_MAX, &definition->formats);
	if (!strcmp(name, "rates"))
		return read_values(word, rest, false, 1, VALUES_MAX, &definition->rates);
	if (!strcmp(name, "channels"))
		return read_values(word, rest, false, 1, VALUES_MAX, &definition->channels);
	if (!strcmp(name, "period_bytes"))
		return read_values(word, rest, false, 2, 2, &definition->period_bytes);
	if (!strcmp(name, "periods"))
		return read_values(word, rest, false, 2, 2, &definition->periods);
	if (!strcmp(name, "ppm"))
		return read_real(word, &definition->ppm) && definition->ppm > -1e6;
	if (!strcmp(name, "speed"))
		return read_real(word, &definition->speed) && definition->speed > 0;
	if (!strcmp(name, "clock"))
		return read_choice(word, "manual", "real", &definition->manual);
	if (!strcmp(name, "loop"))
		return read_choice(word, "yes", "no", &definition->loop);
	return !strcmp(name, "present") && read_choice(word, "yes", "no", &definition->present);
}

static bool read_line(struct definition *definition, const char *direction, char *line)
{
	char *rest, *dot, *name;

	line[strcspn(line, "#")] = '\0';
	name = strtok_r(line, blanks, &rest);
	if (!name)
		return true;
	dot = strchr(name, '.');
	if (dot) {
		*dot = '\0';
		if (strcmp(name, direction))
			return !strcmp(name, "capture") || !strcmp(name, "playback");
		name = dot + 1;
	}
	return set_property(definition, name, &rest);
}

int definition_read(int directory, const char *direction, struct definition *definition)
{
	char line[512];
	int number = 0, err = 0;
	int fd = openat(directory, "definition", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	*definition = (struct definition){
		.present = true, .loop = true, .speed = 1,
		.formats = { 1, { SND_PCM_FORMAT_S16_LE } }, .rates = { 1, { 48000 } }, .channels = { 1, { 2 } },
		.period_bytes = { 2, { 64, 1048576 } }, .periods = { 2, { 2, 1024 } },
	};
	if (!file) {
		err = -errno;
		SNDERR("softcard: cannot read the card's definition: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && fgets(line, sizeof(line), file)) {
		number++;
		if (!read_line(definition, direction, line))
			err = -EINVAL;
	}
	if (err)
		SNDERR("softcard: line %d of the card's definition is not understood", number);
	fclose(file);
	return err;
}
