/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * Where webhooks may go.  Their URLs come from clients, so that the worker
 * must not become a way into the network that it stands in: the URL is looked
 * at before anything is looked up, and the address when libcurl is about to
 * connect to it, so that no name can change in between.  Pure functions.
 */

#ifndef IGJ_WEBHOOK_TARGET_H
#define IGJ_WEBHOOK_TARGET_H

#include <stdbool.h>
#include <sys/socket.h>

#include "igj_base.h"


/*
 * May events be sent to this URL?  http or https, a host, no user, port 80,
 * 443 or from 1024 on, unless any will do.  NULL, or what is wrong with it.
 */
const char *igj_webhook_url_fault(const char *url, bool any_port);

/*
 * Is it an address of the open Internet: not of this host, a private or shared
 * network, a link, a group, documentation, or one that a translator turns into
 * such?  Anything but IPv4 and IPv6 is not.
 */
bool igj_webhook_address_open(const struct sockaddr *address);


#endif /* IGJ_WEBHOOK_TARGET_H */
