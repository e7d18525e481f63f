// SPDX-License-Identifier: MIT
// The group parallel: one, two and four threads that compute on their own (a perfect machine scales with its CPUs), add to
// one counter with atomic operations, or take turns at a mutex.
#include <pthread.h>
#include <stdlib.h>
#include "tests/bench/work.h"

enum { MOST_THREADS = 4, WORDS = 1 << 16, ROUNDS = 400, ADDS = 4000000, LOCKS = 1000000 };

struct team {
    pthread_mutex_t mutex;
    uint64_t guarded;
    _Alignas(64) uint64_t counter; // in a line of its own; 686's alignment of 4 could even split it between two
    unsigned threads;
};

struct member {
    struct team *team;
    uint64_t sum;
    uint32_t number;
};

// Each thread as much as the others, in memory of its own.
static void *compute(void *argument)
{
    struct member *member = argument;
    uint32_t *words = work_alloc(WORDS * sizeof(*words)), state = member->number + 1;
    for (unsigned round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < WORDS; i++) {
            words[i] += work_random(&state);
            member->sum = work_mix(member->sum, words[i]);
        }
    free(words);
    return NULL;
}

// All threads together ADDS additions.
static void *add(void *argument)
{
    struct member *member = argument;
    for (unsigned i = 0; i < ADDS / member->team->threads; i++)
        __atomic_fetch_add(&member->team->counter, i, __ATOMIC_SEQ_CST);
    return NULL;
}

static void *lock(void *argument)
{
    struct member *member = argument;
    for (unsigned i = 0; i < LOCKS / member->team->threads; i++) {
        pthread_mutex_lock(&member->team->mutex);
        member->team->guarded += i ^ member->number;
        pthread_mutex_unlock(&member->team->mutex);
    }
    return NULL;
}

static uint64_t run(unsigned threads, void *(*work)(void *))
{
    struct team team = {.mutex = PTHREAD_MUTEX_INITIALIZER, .threads = threads};
    struct member members[MOST_THREADS];
    pthread_t ids[MOST_THREADS];
    for (unsigned i = 0; i < threads; i++) {
        members[i] = (struct member){&team, 0, i};
        if (pthread_create(&ids[i], NULL, work, &members[i]))
            work_fail("pthread_create");
    }
    uint64_t sum = 0;
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        sum = work_mix(sum, members[i].sum);
    }
    return work_mix(sum, team.counter + team.guarded);
}

static uint64_t compute_one(void)
{
    return run(1, compute);
}

static uint64_t compute_two(void)
{
    return run(2, compute);
}

static uint64_t compute_four(void)
{
    return run(4, compute);
}

static uint64_t atomic_two(void)
{
    return run(2, add);
}

static uint64_t atomic_four(void)
{
    return run(4, add);
}

static uint64_t mutex_two(void)
{
    return run(2, lock);
}

static uint64_t mutex_four(void)
{
    return run(4, lock);
}

const struct work_item work_parallel[] = {
    {"compute-1", compute_one}, {"compute-2", compute_two}, {"compute-4", compute_four}, {"atomic-2", atomic_two},
    {"atomic-4", atomic_four},  {"mutex-2", mutex_two},     {"mutex-4", mutex_four},     {NULL, NULL},
};
