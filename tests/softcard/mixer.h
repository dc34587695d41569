/*
 * The mixer of a software sound card: an external control plugin for libasound, so that `hw:CARD=NAME` is a mixer as
 * it is of a real card. Its controls are in the file `mixer` of the card's folder, which is described in controls.c;
 * a card without it has none. While the file `mixer.denied` exists, opening fails with EACCES; while `mixer.gone`
 * exists, or when the folder was moved away, everything fails with ENODEV.
 *
 * Several may have it open. Nobody is told of a change: who wants to know reads again.
 */
#ifndef SOFTCARD_MIXER_H
#define SOFTCARD_MIXER_H

#include "controls.h"

#include <alsa/asoundlib.h>
#include <alsa/control_external.h>
#include <stdbool.h>
#include <sys/stat.h>

struct mixer {
	snd_ctl_ext_t ext;
	int directory;
	char *path;                  /* where the folder was when it was opened: elsewhere, the card is unplugged */
	struct stat plugged;
	struct controls controls;
};

#endif
