/*
 * What libasound sees of a software sound card: the callbacks of its I/O plugin interface, and opening. How the card
 * behaves and which files it has is told in card.h.
 *
 * What libasound makes of a plugin, as measured with 1.2.8:
 * - It wants MMAP_INTERLEAVED beside RW_INTERLEAVED, or `plug` cannot convert. With mmap it calls transfer() for the
 *   same captured frames again and again; only io->appl_ptr tells what the application took.
 * - Without BOUNDARY_WA a position that moves by exactly one buffer looks like one that stood still; with it a
 *   position may even go back.
 * - A negative pointer() always ends as EPIPE. ENODEV takes the state DISCONNECTED; EBADFD and EIO come out of
 *   transfer(), which is called only if there is room: a card about to fail pretends to have one frame of it.
 * - io->state is not yet RUNNING inside start(), and an xrun calls no stop().
 */
#define _GNU_SOURCE
#include "card.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Where in playback.raw the next frame written will lie. */
static int measure_file(struct card *card)
{
	struct stat status;

	if (card_captures(card))
		return 0;
	if (fstat(card->playback, &status) < 0)
		return -errno;
	card->file_frames = status.st_size / card->frame_bytes;
	return 0;
}

static int on_hw_params(snd_pcm_ioplug_t *io, snd_pcm_hw_params_t *params)
{
	struct card *card = io->private_data;
	int err;

	(void)params;
	card->frame_bytes = snd_pcm_format_physical_width(io->format) / 8 * io->channels;
	err = measure_file(card);
	if (err < 0)
		return err;
	card_set_clock(card);
	card_note(card, "open", card->clock.anchor_ns, 0, " format=%s rate=%u channels=%u period=%lu buffer=%lu",
	          snd_pcm_format_name(io->format), io->rate, io->channels, io->period_size, io->buffer_size);
	return 0;
}

static int on_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
	struct card *card = io->private_data;

	snd_pcm_sw_params_get_avail_min(params, &card->avail_min);
	snd_pcm_sw_params_get_stop_threshold(params, &card->stop_threshold);
	snd_pcm_sw_params_get_boundary(params, &card->boundary);
	return 0;
}

static int on_prepare(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;

	card_read_commands(card);
	if (card->gone)
		return -ENODEV;
	card->running = false;
	card->position = 0;
	card_arm(card, 0);
	return measure_file(card);
}

static int on_start(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;

	card_read_commands(card);
	if (card->gone)
		return -ENODEV;
	if (card->pending_error)
		return card_fail(card);
	card_start(card);
	card_arm(card, io->appl_ptr);
	return 0;
}

static int on_stop(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;

	card_read_commands(card);
	if (!card->gone)
		card_stop(card, "stop");
	return 0;
}

static snd_pcm_sframes_t on_pointer(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	bool drains = io->state == SND_PCM_STATE_DRAINING;
	int64_t available;

	card_read_commands(card);
	if (io->state == SND_PCM_STATE_XRUN)
		return -EPIPE;
	available = card_available(card, io->appl_ptr);
	if ((card->pending_error || card->gone) && available < 1)
		return (card->position + 1 - available) % card->boundary;
	if (card->running && (card->xrun_asked || (!drains && available >= (int64_t)card->stop_threshold))) {
		card_xrun(card);
		return -EPIPE;
	}
	card->position = card_position(card);
	if (drains && card->position > (int64_t)io->appl_ptr)
		card->position = io->appl_ptr;
	return card->position % card->boundary;
}

static snd_pcm_sframes_t on_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
                                     snd_pcm_uframes_t offset, snd_pcm_uframes_t frames)
{
	struct card *card = io->private_data;
	unsigned char *bytes = (unsigned char *)areas->addr + areas->first / 8 + offset * card->frame_bytes;
	int64_t application = io->appl_ptr;
	int err = 0;

	if (card->gone)
		return -ENODEV;
	if (card->pending_error)
		return card_fail(card);
	if (card_captures(card))
		card_capture(card, bytes, card->start + application, frames);
	else
		err = card_play(card, bytes, frames * card->frame_bytes);
	/* Captured through mmap, nothing is handed over yet: the application may leave frames where they are. */
	if (!card_captures(card) || io->access == SND_PCM_ACCESS_RW_INTERLEAVED)
		application += frames;
	card_arm(card, application);
	return err < 0 ? err : (snd_pcm_sframes_t)frames;
}

static int on_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *descriptors, unsigned int count, unsigned short *events)
{
	struct card *card = io->private_data;
	uint64_t expirations;

	(void)descriptors;
	(void)count;
	if (read(card->timer, &expirations, sizeof(expirations)) < 0 && errno != EAGAIN)
		return -errno;
	card_read_commands(card);
	card_arm(card, io->appl_ptr);
	*events = 0;
	if (card->gone)
		*events = POLLERR | POLLNVAL;
	else if (card_ready(card, io->appl_ptr))
		*events = card_captures(card) ? POLLIN : POLLOUT;
	if (card->xrun_asked || io->state == SND_PCM_STATE_XRUN)
		*events |= POLLERR;
	return 0;
}

static int on_close(snd_pcm_ioplug_t *io)
{
	struct card *card = io->private_data;
	int descriptors[] = {
		card->directory, card->wake, card->timer, card->commands, card->timeline, card->playback,
	};

	if (card->frame_bytes && !card->gone)
		card_note(card, "close", clock_now_ns(), card->position, "%s", "");
	for (size_t i = 0; i < sizeof(descriptors) / sizeof(*descriptors); i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
	card_forget_sound(&card->heard_before);
	card_forget_sound(&card->heard);
	free(card);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.hw_params = on_hw_params, .sw_params = on_sw_params, .prepare = on_prepare, .start = on_start, .stop = on_stop,
	.pointer = on_pointer, .transfer = on_transfer, .poll_revents = on_poll_revents, .close = on_close,
};

/* ---- opening ---- */

static int open_wake(struct card *card)
{
	struct epoll_event readable = { .events = EPOLLIN };

	card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	card->wake = epoll_create1(EPOLL_CLOEXEC);
	if (card->timer < 0 || card->wake < 0 ||
	    epoll_ctl(card->wake, EPOLL_CTL_ADD, card->timer, &readable) < 0 ||
	    epoll_ctl(card->wake, EPOLL_CTL_ADD, card->commands, &readable) < 0)
		return -errno;
	return 0;
}

static int set_list(struct card *card, int parameter, const struct values *list)
{
	return snd_pcm_ioplug_set_param_list(&card->io, parameter, list->count, list->value);
}

static int set_range(struct card *card, int parameter, const struct values *range)
{
	return snd_pcm_ioplug_set_param_minmax(&card->io, parameter, range->value[0], range->value[1]);
}

static int offer_parameters(struct card *card)
{
	static const struct values accesses = { 2, { SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED } };
	const struct definition *definition = &card->definition;
	int err = set_list(card, SND_PCM_IOPLUG_HW_ACCESS, &accesses);

	if (err >= 0)
		err = set_list(card, SND_PCM_IOPLUG_HW_FORMAT, &definition->formats);
	if (err >= 0)
		err = set_list(card, SND_PCM_IOPLUG_HW_RATE, &definition->rates);
	if (err >= 0)
		err = set_list(card, SND_PCM_IOPLUG_HW_CHANNELS, &definition->channels);
	if (err >= 0)
		err = set_range(card, SND_PCM_IOPLUG_HW_PERIOD_BYTES, &definition->period_bytes);
	if (err >= 0)
		err = set_range(card, SND_PCM_IOPLUG_HW_PERIODS, &definition->periods);
	return err;
}

static int open_card(const char *root, const char *name, const char *device, const char *pcm_name,
                     snd_pcm_stream_t stream, int mode, snd_pcm_t **pcm)
{
	struct card *card = calloc(1, sizeof(*card));
	int err;

	if (!card)
		return -ENOMEM;
	card->direction = stream == SND_PCM_STREAM_CAPTURE ? "capture" : "playback";
	card->directory = card->wake = card->timer = card->commands = card->timeline = card->playback = -1;
	card->io.version = SND_PCM_IOPLUG_VERSION;
	card->io.name = "Software sound card";
	card->io.callback = &callbacks;
	card->io.private_data = card;
	card->io.flags = SND_PCM_IOPLUG_FLAG_MONOTONIC | SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
	err = card_open_files(card, root, name, device);
	if (err >= 0)
		err = open_wake(card);
	card->io.poll_fd = card->wake;
	card->io.poll_events = POLLIN;
	if (err >= 0)
		err = snd_pcm_ioplug_create(&card->io, pcm_name, stream, mode);
	if (err < 0) {
		on_close(&card->io);
		return err;
	}
	*pcm = card->io.pcm;
	err = offer_parameters(card);
	if (err < 0)
		snd_pcm_ioplug_delete(&card->io);
	return err;
}

#pragma GCC visibility push(default)
SND_PCM_PLUGIN_DEFINE_FUNC(softcard)
{
	snd_config_iterator_t i, next;
	char *folder = NULL, *card = NULL, *device = NULL;
	int err = 0;

	(void)root;
	snd_config_for_each(i, next, conf) {
		snd_config_t *entry = snd_config_iterator_entry(i);
		const char *id;

		if (snd_config_get_id(entry, &id) < 0)
			continue;
		if (!strcmp(id, "root"))
			err = snd_config_get_ascii(entry, &folder);
		else if (!strcmp(id, "card"))
			err = snd_config_get_ascii(entry, &card);
		else if (!strcmp(id, "device"))
			err = snd_config_get_ascii(entry, &device);
		if (err < 0)
			break;
	}
	if (err >= 0)
		err = folder && card && device ? open_card(folder, card, device, name, stream, mode, pcmp) : -EINVAL;
	free(folder);
	free(card);
	free(device);
	return err;
}
SND_PCM_PLUGIN_SYMBOL(softcard);
#pragma GCC visibility pop
