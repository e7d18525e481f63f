// SPDX-License-Identifier: MIT
#include "ui/vnc-private.h"

static void append(struct vnc_work **list, struct vnc_work *work)
{
    work->next = NULL;
    while (*list)
        list = &(*list)->next;
    *list = work;
}

static void *thread_main(void *opaque)
{
    struct vnc_worker *worker = opaque;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->quit) {
        struct vnc_work *work = worker->waiting;
        if (!work) {
            pthread_cond_wait(&worker->wake, &worker->mutex);
            continue;
        }
        worker->waiting = work->next;
        pthread_mutex_unlock(&worker->mutex);
        work->run(work->opaque);
        pthread_mutex_lock(&worker->mutex);
        append(&worker->finished, work);
        io_loop_post(worker->loop, &worker->task);
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

static void finish(void *opaque)
{
    struct vnc_worker *worker = opaque;
    pthread_mutex_lock(&worker->mutex);
    struct vnc_work *work = worker->finished;
    worker->finished = NULL;
    pthread_mutex_unlock(&worker->mutex);
    while (work) {
        struct vnc_work *next = work->next; // its owner may be gone afterwards
        work->done(work->opaque);
        work = next;
    }
}

int vnc_worker_start(struct vnc_worker *worker, struct io_loop *loop)
{
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->wake, NULL);
    io_task_init(&worker->task, finish, worker);
    worker->loop = loop;
    int status = pthread_create(&worker->thread, NULL, thread_main, worker);
    if (status)
        worker->loop = NULL;
    return -status;
}

void vnc_worker_give(struct vnc_worker *worker, struct vnc_work *work)
{
    pthread_mutex_lock(&worker->mutex);
    append(&worker->waiting, work);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
}

void vnc_worker_stop(struct vnc_worker *worker)
{
    if (!worker->loop)
        return;
    pthread_mutex_lock(&worker->mutex);
    worker->quit = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->mutex);
}
