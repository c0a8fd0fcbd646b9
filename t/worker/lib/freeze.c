/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A library that a test preloads into a worker, to freeze it at one exact
 * place: while the file FREEZE_FILE exists, the first request to start a run
 * removes it and stops the process.  The first byte of the file says where:
 *
 *   b   before the request is sent; it is answered before the process goes on
 *   l   before the request is sent and again after it
 *   a   after the request was sent
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>


#define FREEZE_ANSWER_MS  20000


typedef ssize_t (*freeze_send_pt)(int fd, const void *buf, size_t len,
    int flags);


/* Where to freeze, if here and now; 0: nowhere. */

static char
freeze_where(const char *buf, size_t len)
{
    int          fd;
    char         where;
    ssize_t      n;
    const char  *file;

    file = getenv("FREEZE_FILE");

    if (file == NULL || len < 5 || memcmp(buf, "POST ", 5) != 0
        || memmem(buf, len, "/runs?", 6) == NULL)
    {
        return 0;
    }

    fd = open(file, O_RDONLY|O_CLOEXEC);

    if (fd < 0) {
        return 0;
    }

    n = read(fd, &where, 1);
    close(fd);

    return (n == 1 && unlink(file) == 0) ? where : 0;
}


ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
    char            where;
    void           *next;
    ssize_t         n;
    struct pollfd   answer = { 0 };
    freeze_send_pt  real;

    next = dlsym(RTLD_NEXT, "send");
    memcpy(&real, &next, sizeof(real));
    where = freeze_where(buf, len);

    if (where == 'b' || where == 'l') {
        raise(SIGSTOP);
    }

    n = real(fd, buf, len, flags);

    if (where == 'b') {
        answer.fd = fd;
        answer.events = POLLIN;
        (void) poll(&answer, 1, FREEZE_ANSWER_MS);
    }

    if (where == 'a' || where == 'l') {
        raise(SIGSTOP);
    }

    return n;
}
