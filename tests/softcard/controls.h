/* The mixer controls of a software sound card: which it has, as its `mixer` file says, and what they stand at. */
#ifndef SOFTCARD_CONTROLS_H
#define SOFTCARD_CONTROLS_H

#include <alsa/asoundlib.h>
#include <stdbool.h>

enum { CHANNELS_MAX = 8, ITEMS_MAX = 32, NAME_BYTES = 44, ITEM_BYTES = 64 };

struct control {
	char name[NAME_BYTES];               /* as the kernel names control elements: `PGA Capture Volume` */
	unsigned int index;
	snd_ctl_elem_type_t type;
	unsigned int channels;
	long low, high;
	long first;                          /* what every channel stands at until it is set */
	long at_most;                        /* a larger value is taken as this, without a word */
	bool has_db;
	int db_low, db_step;                 /* hundredths of a dB: at `low`, and of one step */
	unsigned int items;
	char item[ITEMS_MAX][ITEM_BYTES];
	int read_error, write_error;         /* an errno, or 0 */
	bool unplugs;                        /* writing it makes the card vanish */
};

struct controls {
	unsigned int count;
	struct control *control;
};

/* Read the file `mixer` in the folder open as `directory`; without one there are no controls. Returns 0 or a negative
 * errno; libasound's error handler is told which line is wrong. To be given to controls_free in either case. */
int controls_read(int directory, struct controls *controls);
void controls_free(struct controls *controls);

/* The values of control number `number`, one a channel. A value is set as a card does it, clamped, and noted in
 * `mixer.log`. Returns 0 or a negative errno; like the kernel, and unlike libasound's plugins, no 1 for a change. */
int control_get(int directory, const struct controls *controls, unsigned int number, long *value);
int control_set(int directory, const struct controls *controls, unsigned int number, const long *value);

#endif
