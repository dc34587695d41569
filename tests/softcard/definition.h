/* What a software sound card offers in one direction, as its `definition` file says it. */
#ifndef SOFTCARD_DEFINITION_H
#define SOFTCARD_DEFINITION_H

#include <stdbool.h>

enum { VALUES_MAX = 16 };

struct values {
	unsigned int count, value[VALUES_MAX];
};

struct definition {
	bool present;                         /* false: the card has no such direction */
	bool manual;                          /* the clock moves by command only */
	bool loop;                            /* capture.raw begins anew at its end; otherwise silence follows */
	double ppm, speed;                    /* clock error, and how many times real time */
	struct values formats;                /* of snd_pcm_format_t */
	struct values rates, channels;        /* rates in Hz */
	struct values period_bytes, periods;  /* smallest and largest */
};

/* Read the file `definition` in the folder open as `directory`, for "capture" or "playback". Returns 0 or a negative
 * errno; libasound's error handler is told which line is wrong. */
int definition_read(int directory, const char *direction, struct definition *definition);

#endif
