/* The folder of a software sound card: finding it, and opening what lies in it. */
#define _GNU_SOURCE
#include "card.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* open(2) of `<direction><suffix>` in the card's folder; a negative errno when it fails. */
static int open_file(const struct card *card, const char *suffix, int flags)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%s%s", card->direction, suffix);
	fd = openat(card->directory, name, flags | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static bool marked(const struct card *card, const char *suffix)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%s", card->direction, suffix);
	return faccessat(card->directory, name, F_OK, 0) == 0;
}

/* As the kernel and libasound answer: a card asked for by number has no device node, one by name no number. */
int folder_open(const char *root, const char *name)
{
	char path[PATH_MAX];
	bool by_number = isdigit((unsigned char)name[0]);
	int directory;

	if (name[0] == '.' || strchr(name, '/'))
		return -EINVAL;
	if (snprintf(path, sizeof(path), "%s/cards/%s", root, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return errno == ENOENT && !by_number ? -ENODEV : -errno;
	return directory;
}

static int open_commands(struct card *card)
{
	char name[32];

	snprintf(name, sizeof(name), "%s.ctl", card->direction);
	if (mkfifoat(card->directory, name, 0600) < 0 && errno != EEXIST)
		return -errno;
	card->commands = open_file(card, ".ctl", O_RDWR | O_NONBLOCK);
	if (card->commands < 0)
		return card->commands;
	if (flock(card->commands, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

int card_open_files(struct card *card, const char *root, const char *name, const char *device)
{
	int err;

	if (strcmp(device, "0"))
		return -ENOENT;
	card->directory = folder_open(root, name);
	if (card->directory < 0)
		return card->directory;
	err = definition_read(card->directory, card->direction, &card->definition);
	if (err < 0)
		return err;
	if (!card->definition.present)
		return -ENOENT;
	if (marked(card, ".denied"))
		return -EACCES;
	if (marked(card, ".busy"))
		return -EBUSY;
	err = open_commands(card);
	if (err < 0)
		return err;
	card->timeline = open_file(card, ".timeline", O_WRONLY | O_CREAT | O_APPEND);
	if (card->timeline < 0)
		return card->timeline;
	if (!strcmp(card->direction, "capture")) {
		card->heard = card_load_sound(card, 0);
		return 0;
	}
	card->playback = open_file(card, ".raw", O_WRONLY | O_CREAT | O_APPEND);
	return card->playback < 0 ? card->playback : 0;
}
