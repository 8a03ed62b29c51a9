/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listening sockets. See listen.h. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "link/listen.h"

#include "log.h"

static int bound_socket(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    info->ai_protocol);
    int on = 1, off = 0, error;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

int listen_tcp(const char *address, int port, int family)
{
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_ADDRCONFIG, .ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    const char *host = address && address[0] ? address : NULL;
    char service[16];
    int fd = -1, error;

    g_snprintf(service, sizeof service, "%d", port);
    error = getaddrinfo(host, service, &hints, &list);
    if (error) {
        log_warning("can't listen on %s port %d: %s", host ? host : "*", port,
                    error == EAI_SYSTEM ? g_strerror(errno) : gai_strerror(error));
        return -1;
    }
    for (struct addrinfo *info = list; info && fd < 0; info = info->ai_next)
        fd = bound_socket(info);
    if (fd < 0)
        log_warning("can't listen on %s port %d: %s", host ? host : "*", port, g_strerror(errno));
    freeaddrinfo(list);
    return fd;
}

int listen_unix(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size;
    int fd;

    if (!path || !path[0]) { /* the system would choose a name that nobody knows */
        log_warning("can't listen on a local socket without a path");
        return -1;
    }
    g_strlcpy(name.sun_path, path, sizeof name.sun_path);
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name.sun_path));
    if (name.sun_path[0] == '@')
        name.sun_path[0] = 0;
    else
        unlink(name.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, size) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    log_warning("can't listen on %s: %s", path, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

bool listen_prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL), on = 1, idle = 600;

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        log_warning("a client's socket can't be used: %s", g_strerror(errno));
        return false;
    }
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 && errno != ENOTSUP &&
        errno != EOPNOTSUPP && errno != ENOPROTOOPT) {
        log_warning("a client's socket can't be used: %s", g_strerror(errno));
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    return true;
}
