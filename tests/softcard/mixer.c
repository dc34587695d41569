/*
 * What libasound sees of a software sound card's mixer: the callbacks of its external control interface, and opening.
 * How the mixer behaves and which files it has is told in mixer.h and controls.c.
 *
 * What libasound makes of such a plugin, as seen with 1.2.8: an element is asked for by a number that libasound made up
 * from its place in the list, and an error of elem_list() is then not looked at; so a card that is gone answers in
 * get_attribute() and after. A TLV comes by callback where the access says so.
 */
#define _GNU_SOURCE
#include "mixer.h"

#include "card.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_plugged(const struct mixer *mixer)
{
	struct stat now;

	if (stat(mixer->path, &now) < 0 || now.st_ino != mixer->plugged.st_ino || now.st_dev != mixer->plugged.st_dev)
		return -ENODEV;
	return faccessat(mixer->directory, "mixer.gone", F_OK, 0) == 0 ? -ENODEV : 0;
}

static const struct control *control_of(const snd_ctl_ext_t *ext, snd_ctl_ext_key_t key)
{
	const struct mixer *mixer = ext->private_data;

	return &mixer->controls.control[key];
}

static int on_elem_count(snd_ctl_ext_t *ext)
{
	const struct mixer *mixer = ext->private_data;

	return mixer->controls.count;
}

static int on_elem_list(snd_ctl_ext_t *ext, unsigned int offset, snd_ctl_elem_id_t *id)
{
	const struct mixer *mixer = ext->private_data;

	if (offset >= mixer->controls.count)
		return -EINVAL;
	snd_ctl_elem_id_set_interface(id, SND_CTL_ELEM_IFACE_MIXER);
	snd_ctl_elem_id_set_name(id, mixer->controls.control[offset].name);
	snd_ctl_elem_id_set_index(id, mixer->controls.control[offset].index);
	return check_plugged(mixer);
}

static snd_ctl_ext_key_t on_find_elem(snd_ctl_ext_t *ext, const snd_ctl_elem_id_t *id)
{
	const struct mixer *mixer = ext->private_data;

	for (unsigned int i = 0; i < mixer->controls.count; i++) {
		const struct control *control = &mixer->controls.control[i];

		if (!strcmp(control->name, snd_ctl_elem_id_get_name(id)) &&
		    control->index == snd_ctl_elem_id_get_index(id))
			return i;
	}
	return SND_CTL_EXT_KEY_NOT_FOUND;
}

static int on_attribute(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, int *type, unsigned int *access,
                        unsigned int *count)
{
	const struct control *control = control_of(ext, key);

	*type = control->type;
	*count = control->channels;
	*access = SND_CTL_EXT_ACCESS_READWRITE;
	if (control->has_db)
		*access |= SND_CTL_EXT_ACCESS_TLV_READ | SND_CTL_EXT_ACCESS_TLV_CALLBACK;
	return check_plugged(ext->private_data);
}

static int on_integer_info(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *low, long *high, long *step)
{
	const struct control *control = control_of(ext, key);

	*low = control->low;
	*high = control->high;
	*step = 0;
	return 0;
}

static int on_enumerated_info(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, unsigned int *items)
{
	*items = control_of(ext, key)->items;
	return 0;
}

static int on_enumerated_name(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, unsigned int item, char *name, size_t size)
{
	const struct control *control = control_of(ext, key);

	if (item >= control->items)
		return -EINVAL;
	snprintf(name, size, "%s", control->item[item]);
	return 0;
}

static int on_read(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value)
{
	const struct mixer *mixer = ext->private_data;
	int err = check_plugged(mixer);

	return err < 0 ? err : control_get(mixer->directory, &mixer->controls, key, value);
}

static int on_write(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value)
{
	const struct mixer *mixer = ext->private_data;
	int err = check_plugged(mixer);

	return err < 0 ? err : control_set(mixer->directory, &mixer->controls, key, value);
}

static int on_read_enumerated(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, unsigned int *items)
{
	long value[CHANNELS_MAX];
	int err = on_read(ext, key, value);

	for (unsigned int i = 0; err >= 0 && i < control_of(ext, key)->channels; i++)
		items[i] = value[i];
	return err;
}

static int on_write_enumerated(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, unsigned int *items)
{
	long value[CHANNELS_MAX];

	for (unsigned int i = 0; i < control_of(ext, key)->channels; i++)
		value[i] = items[i];
	return on_write(ext, key, value);
}

static int on_tlv(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, int op_flag, unsigned int numid, unsigned int *tlv,
                  unsigned int size)
{
	const struct control *control = control_of(ext, key);
	const unsigned int scale[] = {
		SND_CTL_TLVT_DB_SCALE, 2 * sizeof(*tlv), control->db_low, control->db_step,
	};

	(void)numid;
	if (op_flag != 0)
		return -ENXIO;
	if (size < sizeof(scale))
		return -ENOMEM;
	memcpy(tlv, scale, sizeof(scale));
	return 0;
}

static void on_subscribe(snd_ctl_ext_t *ext, int subscribe)
{
	(void)ext;
	(void)subscribe;
}

static int on_read_event(snd_ctl_ext_t *ext, snd_ctl_elem_id_t *id, unsigned int *mask)
{
	(void)ext;
	(void)id;
	(void)mask;
	return -EAGAIN;
}

static void on_close(snd_ctl_ext_t *ext)
{
	struct mixer *mixer = ext->private_data;

	if (mixer->directory >= 0)
		close(mixer->directory);
	controls_free(&mixer->controls);
	free(mixer->path);
	free(mixer);
}

static const snd_ctl_ext_callback_t callbacks = {
	.close = on_close, .elem_count = on_elem_count, .elem_list = on_elem_list, .find_elem = on_find_elem,
	.get_attribute = on_attribute, .get_integer_info = on_integer_info, .get_enumerated_info = on_enumerated_info,
	.get_enumerated_name = on_enumerated_name, .read_integer = on_read, .write_integer = on_write,
	.read_enumerated = on_read_enumerated, .write_enumerated = on_write_enumerated,
	.subscribe_events = on_subscribe, .read_event = on_read_event,
};

/* ---- opening ---- */

static int open_files(struct mixer *mixer, const char *root, const char *card)
{
	mixer->directory = folder_open(root, card);
	if (mixer->directory < 0)
		return mixer->directory;
	if (asprintf(&mixer->path, "%s/cards/%s", root, card) < 0) {
		mixer->path = NULL;
		return -ENOMEM;
	}
	if (fstat(mixer->directory, &mixer->plugged) < 0)
		return -errno;
	if (faccessat(mixer->directory, "mixer.denied", F_OK, 0) == 0)
		return -EACCES;
	if (check_plugged(mixer) < 0)
		return -ENODEV;
	return controls_read(mixer->directory, &mixer->controls);
}

static int open_mixer(const char *root, const char *card, const char *name, int mode, snd_ctl_t **handle)
{
	struct mixer *mixer = calloc(1, sizeof(*mixer));
	int err;

	if (!mixer)
		return -ENOMEM;
	mixer->directory = -1;
	mixer->ext = (snd_ctl_ext_t){
		.version = SND_CTL_EXT_VERSION, .poll_fd = -1, .callback = &callbacks, .private_data = mixer,
		.driver = "softcard", .name = "Software sound card", .mixername = "Software sound card", .tlv.c = on_tlv,
	};
	snprintf(mixer->ext.id, sizeof(mixer->ext.id), "%s", card);
	snprintf(mixer->ext.longname, sizeof(mixer->ext.longname), "Software sound card %s", card);
	err = open_files(mixer, root, card);
	if (err >= 0)
		err = snd_ctl_ext_create(&mixer->ext, name, mode);
	if (err < 0) {
		on_close(&mixer->ext);
		return err;
	}
	*handle = mixer->ext.handle;
	return 0;
}

#pragma GCC visibility push(default)
SND_CTL_PLUGIN_DEFINE_FUNC(softcard)
{
	snd_config_iterator_t i, next;
	char *folder = NULL, *card = NULL;
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
		if (err < 0)
			break;
	}
	if (err >= 0)
		err = folder && card ? open_mixer(folder, card, name, mode, handlep) : -EINVAL;
	free(folder);
	free(card);
	return err;
}
SND_CTL_PLUGIN_SYMBOL(softcard);
#pragma GCC visibility pop
