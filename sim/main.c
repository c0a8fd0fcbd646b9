/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* igjobs-sim: starts, waits for SIGTERM or SIGINT, ends. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim_airtable_base.h"
#include "sim_conf.h"
#include "sim_http.h"
#include "sim_item.h"


static void __attribute__((noreturn))
sim_fail(const char *what, const char *why)
{
    (void) fprintf(stderr, "igjobs-sim: %s: %s\n", what, why);
    exit(1);
}


/* Rules of --faults. */

static void
sim_load_faults(const char *file)
{
    int              fd;
    ssize_t          n;
    struct sim_text  text = { 0 }, error = { 0 };

    fd = open(file, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        sim_fail(file, strerror(errno));
    }

    do {
        sim_text_room(&text, 65536);
        n = read(fd, text.data + text.len, 65536);
        text.len += n > 0 ? (size_t) n : 0;
    } while (n > 0);

    (void) close(fd);

    if (sim_faults_add(text.data, text.len, &error) < 0) {
        sim_fail(file, error.data);
    }

    sim_text_free(&text);
}


/* The file appears with its content: a waiting reader never sees half. */

static void
sim_write_port(const char *file, int port)
{
    FILE             *f;
    struct sim_text   name = { 0 };

    sim_text_printf(&name, "%s.%ld", file, (long) getpid());
    f = fopen(name.data, "we");

    if (f == NULL || fprintf(f, "%d\n", port) < 0 || fclose(f) != 0
        || rename(name.data, file) != 0)
    {
        sim_fail(file, strerror(errno));
    }

    sim_text_free(&name);
}


static void
sim_start(void)
{
    sim_clock_init(sim_conf.speed);
    sim_id_init();
    sim_world_init();
    sim_item_init();
    sim_actors_init();
    sim_journal_init();
    sim_air_init();

    if (sim_conf.faults != NULL) {
        sim_load_faults(sim_conf.faults);
    }
}


static void
sim_end(void)
{
    sim_faults_clear();
    sim_journal_free();
    sim_runs_reset();
    sim_actors_free();
    sim_air_free();
    sim_world_free();
}


int
main(int argc, char **argv)
{
    int       port, sig;
    sigset_t  set;

    sim_options(argc, argv);

    (void) signal(SIGPIPE, SIG_IGN);
    (void) sigemptyset(&set);
    (void) sigaddset(&set, SIGTERM);
    (void) sigaddset(&set, SIGINT);
    (void) pthread_sigmask(SIG_BLOCK, &set, NULL);

    sim_start();
    port = sim_http_start();

    if (sim_conf.port_file != NULL) {
        sim_write_port(sim_conf.port_file, port);
    }

    (void) printf("listening on %s:%d\n", sim_conf.listen, port);
    (void) fflush(stdout);

    (void) sigwait(&set, &sig);

    sim_stop();
    sim_http_stop();
    sim_end();

    return 0;
}
