/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * A library that a test preloads into a worker, to freeze it at one exact
 * place: while the file FREEZE_FILE exists, the first request to start a run
 * removes it and stops the process.  The first byte of the file says where:
 * 'b' before the request is sent, 'a' after it.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>


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
    freeze_send_pt  real;

    next = dlsym(RTLD_NEXT, "send");
    memcpy(&real, &next, sizeof(real));
    where = freeze_where(buf, len);

    if (where == 'b') {
        raise(SIGSTOP);
    }

    n = real(fd, buf, len, flags);

    if (where == 'a') {
        raise(SIGSTOP);
    }

    return n;
}
