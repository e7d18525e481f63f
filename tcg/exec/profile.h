// SPDX-License-Identifier: MIT
// Where vCPUs spend their time: a sampling profiler of translated code, on demand. It costs nothing until it is first on.
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct profile;
struct tcg_cpu;
struct tcg_engine;

// Begins a new profile, or ends one whose figures stay. No locks; not from a vCPU's thread.
void profile_set(struct tcg_engine *engine, bool on);
void profile_print(struct tcg_engine *engine, FILE *out);
// Makes room when there is little: a vCPU that has left translated code calls it, without locks.
void profile_poll(struct tcg_cpu *cpu);
// Finds out what code the samples so far are of. With engine->lock held, before code is thrown away.
void profile_collect(struct tcg_engine *engine);
// After the vCPUs' threads.
void profile_destroy(struct tcg_engine *engine);
