/* The hardware of a software sound card, without libasound's part: card.h tells how it behaves. */
#define _GNU_SOURCE
#include "card.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

bool card_captures(const struct card *card)
{
	return card->io.stream == SND_PCM_STREAM_CAPTURE;
}

/* ---- positions and waking ---- */

static int64_t position_at(const struct card *card, int64_t ns)
{
	int64_t elapsed = card->running ? clock_frame_at(&card->clock, ns) - card->start : 0;

	return elapsed > card->position ? elapsed : card->position;
}

int64_t card_position(const struct card *card)
{
	return position_at(card, clock_now_ns());
}

static int64_t room_at_start(const struct card *card)
{
	return card_captures(card) ? 0 : (int64_t)card->io.buffer_size;
}

int64_t card_available(const struct card *card, int64_t application)
{
	return card_position(card) - application + room_at_start(card);
}

static int64_t available_to_wake(const struct card *card)
{
	return card->io.state == SND_PCM_STATE_DRAINING ? card->io.buffer_size : card->avail_min;
}

bool card_ready(const struct card *card, int64_t application)
{
	if (card->gone || card->pending_error || card->xrun_asked || card->io.state == SND_PCM_STATE_XRUN)
		return true;
	if (card_captures(card) && !card->running)
		return false;
	return card_available(card, application) >= available_to_wake(card);
}

void card_arm(const struct card *card, int64_t application)
{
	struct itimerspec when = { 0 };

	if (card_ready(card, application)) {
		when.it_value.tv_nsec = 1;
	} else if (card->running && card->clock.frames_per_second > 0) {
		int64_t position = application - room_at_start(card) + available_to_wake(card);
		int64_t ns = clock_time_ns(&card->clock, card->start + position);

		when.it_value.tv_sec = ns / 1000000000;
		when.it_value.tv_nsec = ns % 1000000000;
	}
	timerfd_settime(card->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* ---- timeline and clock ---- */

void card_note(const struct card *card, const char *event, int64_t ns, int64_t position, const char *format, ...)
{
	int64_t frame = position + (card_captures(card) ? card->start : card->file_frames);
	char further[128];
	va_list values;

	va_start(values, format);
	vsnprintf(further, sizeof(further), format, values);
	va_end(values);
	if (dprintf(card->timeline, "%s %lld %lld %.6f%s\n", event, (long long)ns, (long long)frame,
	            card->running ? card->clock.frames_per_second : 0, further) < 0)
		SNDERR("softcard: cannot write the timeline: %s", strerror(errno));
}

static void note_anchor(const struct card *card, const char *event)
{
	card_note(card, event, card->clock.anchor_ns, position_at(card, card->clock.anchor_ns), "%s", "");
}

void card_set_clock(struct card *card)
{
	const struct definition *definition = &card->definition;
	double rate = card->io.rate * definition->speed * (1 + definition->ppm * 1e-6);

	clock_anchor(&card->clock, card->stalled || definition->manual ? 0 : rate);
}

/* ---- starting and stopping ---- */

void card_start(struct card *card)
{
	card_set_clock(card);
	if (!card->started)
		card->clock.anchor_frame = 0;
	card->start = card->clock.anchor_frame;
	card->started = card->running = true;
	note_anchor(card, "start");
}

/* Take back from playback.raw what the speaker will not play; not if another process has gone on with it since. */
static void cut_unplayed(const struct card *card)
{
	off_t length = (card->file_frames + (int64_t)card->io.appl_ptr) * card->frame_bytes;
	off_t played = (card->file_frames + card->position) * card->frame_bytes;
	struct stat status;

	if (played >= length || fstat(card->playback, &status) < 0 || status.st_size != length)
		return;
	if (ftruncate(card->playback, played) < 0)
		SNDERR("softcard: cannot cut playback.raw: %s", strerror(errno));
}

static void halt(struct card *card, int64_t position)
{
	card->position = position;
	card->running = false;
	if (!card_captures(card))
		cut_unplayed(card);
}

void card_stop(struct card *card, const char *event)
{
	int64_t ns = clock_now_ns();
	int64_t position = position_at(card, ns);

	if (!card_captures(card) && position > (int64_t)card->io.appl_ptr)
		position = card->io.appl_ptr;
	if (card->running)
		card_note(card, event, ns, position, "%s", "");
	halt(card, position);
}

void card_xrun(struct card *card)
{
	int64_t application = card->io.appl_ptr;
	int64_t now_ns = clock_now_ns();
	int64_t position = position_at(card, now_ns);
	int64_t end = application + (int64_t)card->stop_threshold - room_at_start(card);
	int64_t ns = position < end ? now_ns : clock_time_ns(&card->clock, card->start + end);

	if (position > end)
		position = end;
	card_note(card, "xrun", ns, card_captures(card) ? application : position, "%s", "");
	card->xrun_asked = false;
	halt(card, position);
}

static void vanish(struct card *card)
{
	card_stop(card, "stop");
	card_note(card, "gone", clock_now_ns(), card->position, "%s", "");
	card->gone = true;
	/* This unlocks it too: the card can be plugged in and opened anew while this stream waits to be closed. */
	close(card->commands);
	card->commands = -1;
	snd_pcm_ioplug_set_state(&card->io, SND_PCM_STATE_DISCONNECTED);
}

int card_fail(struct card *card)
{
	int64_t ns = clock_now_ns();
	int error = card->pending_error;

	card->pending_error = 0;
	card_note(card, "error", ns, position_at(card, ns), " errno=%d", error);
	if (card->gone_after_error)
		vanish(card);
	card_arm(card, card->io.appl_ptr);
	return -error;
}

/* ---- sound ---- */

void card_forget_sound(struct sound *sound)
{
	if (sound->length)
		close(sound->file);
	sound->length = 0;
}

struct sound card_load_sound(const struct card *card, int64_t origin)
{
	struct sound sound = { .origin = origin };
	struct stat status;

	sound.file = openat(card->directory, "capture.raw", O_RDONLY | O_CLOEXEC);
	if (sound.file >= 0 && !fstat(sound.file, &status) && status.st_size > 0)
		sound.length = status.st_size;
	else if (sound.file >= 0)
		close(sound.file);
	return sound;
}

/* What was heard before stays: the application may not have read it yet. */
static void change_sound(struct card *card)
{
	clock_anchor(&card->clock, card->clock.frames_per_second);
	card_forget_sound(&card->heard_before);
	card->heard_before = card->heard;
	card->heard = card_load_sound(card, card->started ? card->clock.anchor_frame : 0);
	note_anchor(card, "sound");
}

/* Fill `to` with the first of `frames` from the clock's frame `from` on, as many as lie together in the file. */
static int64_t hear(const struct card *card, const struct sound *sound, unsigned char *to, int64_t from, int64_t frames)
{
	size_t bytes = card->frame_bytes;
	int64_t length = sound->length / bytes, heard = from - sound->origin;
	ssize_t got;

	if (!length || (!card->definition.loop && heard >= length)) {
		memset(to, 0, frames * bytes);
		return frames;
	}
	if (frames > length - heard % length)
		frames = length - heard % length;
	got = pread(sound->file, to, frames * bytes, heard % length * bytes);
	if (got < 0)
		got = 0;
	memset(to + got, 0, frames * bytes - got);
	return frames;
}

void card_capture(const struct card *card, unsigned char *to, int64_t from, int64_t frames)
{
	while (frames) {
		bool changed = from >= card->heard.origin;
		int64_t before = card->heard.origin - from;
		int64_t done = hear(card, changed ? &card->heard : &card->heard_before, to, from,
				    changed || frames < before ? frames : before);

		to += done * card->frame_bytes;
		from += done;
		frames -= done;
	}
}

int card_play(const struct card *card, const unsigned char *from, size_t length)
{
	while (length) {
		ssize_t written = write(card->playback, from, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		from += written;
		length -= written;
	}
	return 0;
}

/* ---- commands ---- */

static void change_clock(struct card *card, const char *event)
{
	card_set_clock(card);
	note_anchor(card, event);
}

static void obey(struct card *card, const char *name, double value)
{
	if (!strcmp(name, "gone")) {
		vanish(card);
	} else if (!strcmp(name, "gone-badfd")) {
		card->pending_error = EBADFD;
		card->gone_after_error = true;
	} else if (!strcmp(name, "xrun")) {
		card->xrun_asked = card->running;
	} else if (!strcmp(name, "err") && value > 0) {
		card->pending_error = value;
	} else if (!strcmp(name, "adv") && value > 0) {
		card->clock.anchor_frame += value;
	} else if (!strcmp(name, "ppm") && value > -1e6) {
		card->definition.ppm = value;
		change_clock(card, "rate");
	} else if (!strcmp(name, "speed") && value > 0) {
		card->definition.speed = value;
		change_clock(card, "rate");
	} else if (!strcmp(name, "stall")) {
		card->stalled = true;
		change_clock(card, "stall");
	} else if (!strcmp(name, "go")) {
		card->stalled = false;
		change_clock(card, "go");
	} else if (!strcmp(name, "sound")) {
		change_sound(card);
	} else {
		SNDERR("softcard: no such command, or not with this value: %s %g", name, value);
	}
}

static void take_command_byte(struct card *card, char byte)
{
	double value;
	char *space;

	if (byte != '\n') {
		if (card->command_length < sizeof(card->command) - 1)
			card->command[card->command_length++] = byte;
		return;
	}
	card->command[card->command_length] = '\0';
	card->command_length = 0;
	space = strchr(card->command, ' ');
	value = space ? strtod(space, NULL) : 0;
	if (space)
		*space = '\0';
	/* Past this no command makes sense, and a conversion to an integer would not be defined. */
	obey(card, card->command, fabs(value) <= 1e9 ? value : 0);
}

void card_read_commands(struct card *card)
{
	char received[512];
	ssize_t count;

	while (!card->gone && (count = read(card->commands, received, sizeof(received))) > 0) {
		for (ssize_t i = 0; i < count && !card->gone; i++)
			take_command_byte(card, received[i]);
		card_arm(card, card->io.appl_ptr);
	}
}
