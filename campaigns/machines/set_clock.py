"""A clock of a program's own: as if somebody had set the machine's, which nobody touches.

A library tells the C library the time, so many seconds off as a file says. It is made here: others of its
kind shift what a program waits for too, which no clock does that is set.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

FILE: Final = "CAMPAIGN_CLOCK"
"""Environment: the file with the seconds by which the clock is off; it is read again four times a second."""
_SOURCE: Final = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static int (*clock_of)(clockid_t, struct timespec *);
static long off;
static long long asked = -1;

static long seconds_off(void) {
    struct timespec now;
    clock_of(CLOCK_MONOTONIC, &now);
    long long quarter = now.tv_sec * 4LL + now.tv_nsec / 250000000;
    if (quarter != asked) {
        asked = quarter;
        const char *path = getenv("CAMPAIGN_CLOCK");
        FILE *file = path ? fopen(path, "r") : NULL;
        long found;
        if (file) {
            if (fscanf(file, "%ld", &found) == 1) off = found;
            fclose(file);
        }
    }
    return off;
}

int clock_gettime(clockid_t which, struct timespec *told) {
    if (!clock_of) clock_of = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = clock_of(which, told);
    if (!failed && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) told->tv_sec += seconds_off();
    return failed;
}

int gettimeofday(struct timeval *restrict told, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    told->tv_sec = now.tv_sec;
    told->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *told) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told) *told = now.tv_sec;
    return now.tv_sec;
}
"""


def library(folder: Path) -> Path | None:
    """The library, made in the folder; None where there is no C compiler for it."""
    made, compiler = folder / "set_clock.so", shutil.which("cc")
    if made.exists() or compiler is None:
        return made if made.exists() else None
    source = folder / "set_clock.c"
    source.write_text(_SOURCE)
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(made), str(source), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return made if not done.returncode else None


def environment(made: Path, file: Path) -> dict[str, str]:
    """What a program is started with to have its clock."""
    return {"LD_PRELOAD": str(made), FILE: str(file)}
