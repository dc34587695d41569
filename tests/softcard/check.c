/*
 * Opens, streams, mixes, breaks and closes software sound cards over and over, for the leak checks of the Makefile: run under
 * the address sanitizer or valgrind it ends with their verdict. It fails on its own when a descriptor is
 * left, or a fault is not answered as it should be. The clock is stepped, so nothing here depends on time.
 *
 * `check ROOT` works in the folder that the ALSA configuration in ALSA_CONFIG_PATH leads to. `check ROOT leak` leaves
 * one stream open, to prove that the check can fail.
 */
#define _GNU_SOURCE
#include <alsa/asoundlib.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 20, PERIOD = 480, PERIODS = 8, CHANNELS = 2 };

static char folder[PATH_MAX - 64];
static int32_t block[PERIOD * CHANNELS];

#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "check.c:%d: not so: %s\n", __LINE__, #condition); \
			exit(2); \
		} \
	} while (0)

static void write_file(const char *name, const void *bytes, size_t length)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	EXPECT(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
	close(fd);
}

static void remove_file(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	EXPECT(unlink(path) == 0);
}

static void command(const char *name, const char *line)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_NONBLOCK);
	EXPECT(fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line));
	close(fd);
}

static int descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static int open_stream(snd_pcm_t **pcm, const char *name, snd_pcm_stream_t stream)
{
	int err = snd_pcm_open(pcm, name, stream, 0);

	if (err < 0)
		return err;
	err = snd_pcm_set_params(*pcm, SND_PCM_FORMAT_S32_LE, SND_PCM_ACCESS_RW_INTERLEAVED, CHANNELS, 48000, 0, 40000);
	EXPECT(err == 0);
	return 0;
}

static void capture(const char *name)
{
	snd_pcm_t *pcm;

	EXPECT(open_stream(&pcm, name, SND_PCM_STREAM_CAPTURE) == 0);
	EXPECT(snd_pcm_start(pcm) == 0);
	for (int i = 0; i < PERIODS; i++) {
		command("capture.ctl", "sound\nadv 480\nppm 100\n");
		EXPECT(snd_pcm_readi(pcm, block, PERIOD) == PERIOD);
	}
	snd_pcm_close(pcm);
}

static void play(const char *name)
{
	snd_pcm_t *pcm;

	EXPECT(open_stream(&pcm, name, SND_PCM_STREAM_PLAYBACK) == 0);
	EXPECT(snd_pcm_writei(pcm, block, PERIOD) == PERIOD);
	EXPECT(snd_pcm_start(pcm) == 0);
	for (int i = 1; i < PERIODS; i++) {
		EXPECT(snd_pcm_writei(pcm, block, PERIOD) == PERIOD);
		command("playback.ctl", "adv 480\n");
	}
	command("playback.ctl", "adv 480\n");
	EXPECT(snd_pcm_drain(pcm) == 0);
	snd_pcm_close(pcm);
}

/* What a running capture answers after `line`: `first`, then `second`. */
static void fault(const char *line, int first, int second)
{
	snd_pcm_t *pcm;

	EXPECT(open_stream(&pcm, "hw:Check", SND_PCM_STREAM_CAPTURE) == 0);
	EXPECT(snd_pcm_start(pcm) == 0);
	command("capture.ctl", line);
	EXPECT(snd_pcm_readi(pcm, block, PERIOD) == first);
	EXPECT(snd_pcm_readi(pcm, block, PERIOD) == second);
	snd_pcm_close(pcm);
}

/* An open that fails. */
static void refused(const char *name, int error)
{
	snd_pcm_t *pcm;

	EXPECT(snd_pcm_open(&pcm, name, SND_PCM_STREAM_PLAYBACK, 0) == error);
}

static void refusals(void)
{
	snd_pcm_t *pcm;

	refused("hw:Missing", -ENODEV);
	refused("hw:7", -ENOENT);
	refused("hw:Check,1", -ENOENT);
	EXPECT(open_stream(&pcm, "hw:Check", SND_PCM_STREAM_PLAYBACK) == 0);
	refused("hw:Check", -EBUSY);
	snd_pcm_close(pcm);
	write_file("playback.denied", "", 0);
	refused("hw:Check", -EACCES);
	remove_file("playback.denied");
}

static int open_mixer(snd_mixer_t **mixer)
{
	int err = snd_mixer_open(mixer, 0);

	EXPECT(err == 0);
	err = snd_mixer_attach(*mixer, "hw:Check");
	if (err >= 0)
		err = snd_mixer_selem_register(*mixer, NULL, NULL);
	if (err >= 0)
		err = snd_mixer_load(*mixer);
	if (err < 0)
		snd_mixer_close(*mixer);
	return err;
}

static snd_mixer_elem_t *element(snd_mixer_t *mixer, const char *name)
{
	snd_mixer_selem_id_t *id;
	snd_mixer_elem_t *found;

	EXPECT(snd_mixer_selem_id_malloc(&id) == 0);
	snd_mixer_selem_id_set_name(id, name);
	found = snd_mixer_find_selem(mixer, id);
	snd_mixer_selem_id_free(id);
	EXPECT(found);
	return found;
}

/* Each kind of control, set and read by another handle. */
static void mix(void)
{
	snd_mixer_t *mixer, *other;
	snd_mixer_elem_t *gain, *source;
	unsigned int item;
	long volume, gain_db;

	EXPECT(open_mixer(&mixer) == 0);
	gain = element(mixer, "PGA");
	source = element(mixer, "Input");
	EXPECT(snd_mixer_selem_set_capture_volume_all(gain, 1) == 0);
	EXPECT(snd_mixer_selem_set_capture_volume_all(gain, 90) == 0);
	EXPECT(snd_mixer_selem_set_capture_switch_all(element(mixer, "Mic"), 0) == 0);
	EXPECT(snd_mixer_selem_set_capture_switch_all(element(mixer, "Mic"), 1) == 0);
	EXPECT(snd_mixer_selem_set_enum_item(source, 0, 0) == 0);
	EXPECT(snd_mixer_selem_set_enum_item(source, 0, 1) == 0);
	EXPECT(snd_mixer_selem_set_capture_volume_all(element(mixer, "Stuck"), 2) == -EIO);
	EXPECT(open_mixer(&other) == 0);
	gain = element(other, "PGA");
	EXPECT(snd_mixer_selem_get_capture_volume(gain, 1, &volume) == 0 && volume == 60);
	EXPECT(snd_mixer_selem_get_capture_dB(gain, 1, &gain_db) == 0 && gain_db == -1200 + 60 * 50);
	EXPECT(snd_mixer_selem_get_enum_item(element(other, "Input"), 0, &item) == 0 && item == 1);
	EXPECT(snd_mixer_selem_set_capture_volume_all(element(other, "Fatal"), 1) == -ENODEV);
	EXPECT(snd_mixer_selem_set_enum_item(source, 0, 0) == -ENODEV);
	snd_mixer_close(other);
	snd_mixer_close(mixer);
	EXPECT(open_mixer(&mixer) == -ENODEV);
	remove_file("mixer.gone");
}

/* Not here: a control that cannot be read. libasound 1.2.8 itself loses its list of controls over that. */
static void mixer_refusals(const char *controls)
{
	snd_mixer_t *mixer;

	write_file("mixer.denied", "", 0);
	EXPECT(open_mixer(&mixer) == -EACCES);
	remove_file("mixer.denied");
	write_file("mixer", "control Odd\nloudness 11\n", 24);
	EXPECT(open_mixer(&mixer) == -EINVAL);
	write_file("mixer", controls, strlen(controls));
}

static void ignore_messages(const char *file, int line, const char *function, int err, const char *format, ...)
{
	(void)file, (void)line, (void)function, (void)err, (void)format;
}

int main(int argc, char **argv)
{
	static const char definition[] = "formats S32_LE\nclock manual\n";
	static const char broken[] = "formats S32_LE S33\n";
	static const char controls[] =
		"control PGA Capture Volume\nchannels 2\nat_most 60\ndb -1200 50\n"
		"control Mic Capture Switch\ntype switch\n"
		"control Input\ntype enumerated\nitem Mic\nitem Line In\n"
		"control Stuck Capture Volume\nwrite_error 5\n"
		"control Fatal Capture Volume\nunplugs\n";
	char path[PATH_MAX];
	snd_pcm_t *pcm;
	int before;

	EXPECT(argc >= 2 && snprintf(folder, sizeof(folder), "%s/cards/Check", argv[1]) < (int)sizeof(folder));
	snprintf(path, sizeof(path), "%s/cards", argv[1]);
	EXPECT((mkdir(path, 0700) == 0 || errno == EEXIST) && (mkdir(folder, 0700) == 0 || errno == EEXIST));
	snd_lib_error_set_handler(ignore_messages);
	memset(block, 1, sizeof(block));
	write_file("capture.raw", block, sizeof(block));
	write_file("definition", definition, strlen(definition));
	write_file("mixer", controls, strlen(controls));
	capture("hw:Check");                       /* libasound keeps what it opens the first time */
	before = descriptors();
	for (int i = 0; i < ROUNDS; i++) {
		capture("hw:Check");
		capture("plughw:Check");
		play("hw:Check");
		play("plughw:Check");
		fault("gone\n", -ENODEV, -ENODEV);
		fault("gone-badfd\n", -EBADFD, -ENODEV);
		fault("err 5\nadv 480\n", -EIO, PERIOD);
		fault("xrun\n", -EPIPE, -EPIPE);
		refusals();
		mix();
		mixer_refusals(controls);
		write_file("definition", broken, strlen(broken));
		refused("hw:Check", -EINVAL);
		write_file("definition", definition, strlen(definition));
	}
	EXPECT(descriptors() == before);
	if (argc > 2)
		EXPECT(open_stream(&pcm, "hw:Check", SND_PCM_STREAM_CAPTURE) == 0);
	pcm = NULL;
	snd_config_update_free_global();
	return 0;
}
