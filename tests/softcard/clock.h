/*
 * The sample clock of a software sound card: how many frames have gone by, and when.
 *
 * Frames run in a straight line from an anchor: frame(t) = anchor_frame + (t - anchor_ns) * frames_per_second / 1e9,
 * rounded down. A change of speed, a stall or a start sets a new anchor at a whole frame, so the time of every frame
 * can be told from the last anchor before it. With 0 frames per second the clock stands; commands may still move it.
 */
#ifndef SOFTCARD_CLOCK_H
#define SOFTCARD_CLOCK_H

#include <stdint.h>
#include <time.h>

struct clock {
	double frames_per_second;
	int64_t anchor_frame, anchor_ns;
};

static inline int64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static inline int64_t clock_frame_at(const struct clock *clock, int64_t ns)
{
	return clock->anchor_frame + (int64_t)((ns - clock->anchor_ns) * clock->frames_per_second / 1e9);
}

/* The first nanosecond at which clock_frame_at() gives `frame`; the anchor's when the clock stands. */
static inline int64_t clock_time_ns(const struct clock *clock, int64_t frame)
{
	if (clock->frames_per_second == 0)
		return clock->anchor_ns;
	return clock->anchor_ns + (int64_t)((frame - clock->anchor_frame) * 1e9 / clock->frames_per_second) + 1;
}

static inline void clock_anchor(struct clock *clock, double frames_per_second)
{
	int64_t ns = clock_now_ns();

	clock->anchor_frame = clock_frame_at(clock, ns);
	clock->anchor_ns = ns;
	clock->frames_per_second = frames_per_second;
}

#endif
