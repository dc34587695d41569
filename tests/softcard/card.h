/*
 * A software sound card: a libasound I/O plugin that behaves like a card with a crystal of its own, for tests and the
 * demo. Applications open it by the names they use for real cards; nothing of ALSA is replaced but the hardware.
 *
 * The ALSA configuration names a root folder. `hw:CARD=NAME,DEV=0` is the folder <root>/cards/NAME, looked up anew at
 * each open, so a card is plugged in, unplugged and renamed by moving its folder. In it lie, D being capture or
 * playback:
 *
 *	definition     formats, rates, clock and limits: see definition.c
 *	capture.raw    what the microphone hears, interleaved in the format negotiated; none means silence
 *	playback.raw   what the speaker played; see below
 *	D.timeline     a line for each event; see below
 *	D.ctl          a FIFO for commands, made at open, locked by whoever has the stream open (the second gets EBUSY)
 *	D.busy         while it exists, open fails with EBUSY;  D.denied: with EACCES
 *	mixer          the controls of its mixer: see mixer.h
 *
 * Commands, one a line, take effect at once, also in a process that sits in poll():
 *
 *	gone           unplugged: ENODEV from now on
 *	gone-badfd     unplugged while a read slept in the kernel: EBADFD once, then ENODEV
 *	xrun           the buffer overran or underran now
 *	err N          the next transfer fails with errno N, once
 *	stall, go      the clock stands (no frame, no error), and runs again
 *	ppm X, speed X clock error in parts per million, and speed in times real time
 *	adv N          N frames go by at once; the only thing that moves a manual clock
 *	sound          capture.raw was replaced: its first frame is the next one the microphone hears
 *
 * Time. The clock (clock.h) counts frames from the first start after open and goes on counting through an overrun.
 * Playback starts with sound already in the buffer, yet the first frame leaves the card at the very start, so the
 * fill does not enter the arithmetic. A line of the timeline is
 *
 *	EVENT NS FRAME FRAMES_PER_SECOND [further words]
 *
 * NS being CLOCK_MONOTONIC, and FRAMES_PER_SECOND 0 while the stream or its clock stands. FRAME counts from the first
 * start after open in capture, and in playback is the position in playback.raw. From a `start`, `go`, `rate` or
 * `sound` until the next event of any kind, frame p is at the card from NS + (p - FRAME) / FRAMES_PER_SECOND on; a
 * captured one can be read one frame's length later. An `xrun` bears the time at which the buffer was full or empty,
 * however late the application looked, and as FRAME the next one the application would have moved: in playback that is
 * where the gap is, in capture it is the first frame lost, and the `start` that follows tells the first one not lost.
 *
 * playback.raw grows as the application writes. Frames that never reached the speaker, because of a drop, an xrun on
 * command or an unplugging, are cut off its end when that happens. Hence with the stream stopped the file is exactly
 * what was heard, back to back.
 */
#ifndef SOFTCARD_CARD_H
#define SOFTCARD_CARD_H

#include "clock.h"
#include "definition.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <stdbool.h>
#include <stdint.h>

/* What the microphone hears from the clock's frame `origin` on: a file, read and not mapped, so that its pages do not
 * count as the application's memory. No length, no file. */
struct sound {
	int file;
	size_t length;
	int64_t origin;
};

struct card {
	snd_pcm_ioplug_t io;
	struct definition definition;
	const char *direction;
	int directory;                   /* stays valid when the folder is renamed */
	int wake, timer, commands;       /* an epoll of the other two: what the application polls */
	int timeline, playback;
	char command[64];                /* the line being received */
	size_t command_length;

	size_t frame_bytes;
	snd_pcm_uframes_t avail_min, stop_threshold, boundary;

	struct clock clock;
	bool stalled, started, running;
	int64_t start;                   /* the clock's frame at the last start */
	int64_t position;                /* frames the hardware moved since, as last told to libasound */
	int64_t file_frames;             /* length of playback.raw at the last prepare */
	struct sound heard_before, heard;

	bool gone, gone_after_error, xrun_asked;
	int pending_error;               /* an errno for the next transfer */
};

bool card_captures(const struct card *card);

/* Frames the hardware moved since the last start. */
int64_t card_position(const struct card *card);

/* Frames the application could move if it had moved `application` since the last start. */
int64_t card_available(const struct card *card, int64_t application);

/* Whether there is something for the application; and have the descriptor it polls wake it when there will be. */
bool card_ready(const struct card *card, int64_t application);
void card_arm(const struct card *card, int64_t application);

/* Write a line to the timeline; `position` as card_position() counts. */
void card_note(const struct card *card, const char *event, int64_t ns, int64_t position, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Start; and stop where the hardware is now. */
void card_start(struct card *card);
void card_stop(struct card *card, const char *event);

/* Run the clock as definition and commands want it. */
void card_set_clock(struct card *card);

/* Stop as overrun or underrun: asked for, or when the buffer ran full or empty. */
void card_xrun(struct card *card);

/* Deliver the pending error: a negative errno. */
int card_fail(struct card *card);

/* What the microphone heard in `frames` from the clock's frame `from` on; what the speaker is to play. */
void card_capture(const struct card *card, unsigned char *to, int64_t from, int64_t frames);
int card_play(const struct card *card, const unsigned char *from, size_t length);
struct sound card_load_sound(const struct card *card, int64_t origin);
void card_forget_sound(struct sound *sound);

/* The folder of card `name` under `root`, open; or a negative errno. */
int folder_open(const char *root, const char *name);

/* Open the files of device `device` of card `name` under `root`: 0 or a negative errno. The caller closes them. */
int card_open_files(struct card *card, const char *root, const char *name, const char *device);

/* Take what has come through the FIFO. */
void card_read_commands(struct card *card);

#endif
