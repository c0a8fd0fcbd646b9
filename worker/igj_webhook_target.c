/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/*
 * The addresses are those of the registries of special-purpose addresses of
 * IPv4 and IPv6, and the metadata services of clouds where they are none of
 * these.
 */

#include "igj_webhook_target.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>


#define IGJ_WEBHOOK_PORT_FREE  1024


typedef struct {
    uint32_t  prefix;
    int       bits;
} igj_webhook_net4_t;

typedef struct {
    uint8_t   prefix[6];
    int       bits;            /* at most 48 */
} igj_webhook_net6_t;


static bool igj_webhook_open4(const uint8_t bytes[4]);
static bool igj_webhook_open6(const uint8_t bytes[16]);
static bool igj_webhook_inside6(const uint8_t *bytes,
    const igj_webhook_net6_t *net);
static const char *igj_webhook_parts_fault(CURLU *u, bool any_port);
static const char *igj_webhook_port_fault(CURLU *u);
static bool igj_webhook_has(CURLU *u, CURLUPart part);


static const igj_webhook_net4_t  igj_webhook_closed4[] = {
    { 0x00000000, 8 },         /* this host */
    { 0x0a000000, 8 },         /* private */
    { 0x64400000, 10 },        /* shared, of carriers */
    { 0x7f000000, 8 },         /* loopback */
    { 0xa83f8110, 32 },        /* 168.63.129.16, a cloud's own */
    { 0xa9fe0000, 16 },        /* link-local; metadata of clouds */
    { 0xac100000, 12 },        /* private */
    { 0xc0000000, 24 },        /* protocol assignments */
    { 0xc0000200, 24 },        /* documentation */
    { 0xc0586300, 24 },        /* 6to4 relays */
    { 0xc0a80000, 16 },        /* private */
    { 0xc6120000, 15 },        /* benchmarks */
    { 0xc6336400, 24 },        /* documentation */
    { 0xcb007100, 24 },        /* documentation */
    { 0xe0000000, 3 }          /* groups, reserved, broadcast */
};

/* of 2000::/3; whatever else there is, is closed but for what holds IPv4 */
static const igj_webhook_net6_t  igj_webhook_closed6[] = {
    { { 0x20, 0x01, 0x00, 0x00 }, 23 },     /* protocol assignments */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },     /* documentation */
    { { 0x3f, 0xff, 0x00, 0x00 }, 20 }      /* documentation */
};

static const igj_webhook_net6_t  igj_webhook_global6 = { { 0x20 }, 3 };
static const igj_webhook_net6_t  igj_webhook_6to4 = { { 0x20, 0x02 }, 16 };


bool
igj_webhook_address_open(const struct sockaddr *address)
{
    struct sockaddr_in   in4;
    struct sockaddr_in6  in6;

    switch (address->sa_family) {

    case AF_INET:
        memcpy(&in4, address, sizeof(in4));
        return igj_webhook_open4((const uint8_t *) &in4.sin_addr);

    case AF_INET6:
        memcpy(&in6, address, sizeof(in6));
        return igj_webhook_open6((const uint8_t *) &in6.sin6_addr);

    default:
        return false;
    }
}


static bool
igj_webhook_open4(const uint8_t bytes[4])
{
    size_t    i;
    uint32_t  mask, address;

    address = (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16
              | (uint32_t) bytes[2] << 8 | bytes[3];

    for (i = 0; i < sizeof(igj_webhook_closed4)
                    / sizeof(igj_webhook_closed4[0]);
         i++)
    {
        mask = 0xffffffff << (32 - igj_webhook_closed4[i].bits);

        if ((address & mask) == igj_webhook_closed4[i].prefix) {
            return false;
        }
    }

    return true;
}


/* IPv4-mapped, NAT64 and 6to4 are as good as the IPv4 address within. */

static bool
igj_webhook_open6(const uint8_t bytes[16])
{
    static const uint8_t  mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t  nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

    size_t  i;

    if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, nat64, 12) == 0) {
        return igj_webhook_open4(bytes + 12);
    }

    if (igj_webhook_inside6(bytes, &igj_webhook_6to4)) {
        return igj_webhook_open4(bytes + 2);
    }

    if (!igj_webhook_inside6(bytes, &igj_webhook_global6)) {
        return false;
    }

    for (i = 0; i < sizeof(igj_webhook_closed6)
                    / sizeof(igj_webhook_closed6[0]);
         i++)
    {
        if (igj_webhook_inside6(bytes, &igj_webhook_closed6[i])) {
            return false;
        }
    }

    return true;
}


static bool
igj_webhook_inside6(const uint8_t *bytes, const igj_webhook_net6_t *net)
{
    int      whole;
    uint8_t  mask;

    whole = net->bits / 8;
    mask = (uint8_t) (0xff00 >> (net->bits % 8));

    return memcmp(bytes, net->prefix, (size_t) whole) == 0
           && (mask == 0 || (bytes[whole] & mask) == net->prefix[whole]);
}


const char *
igj_webhook_url_fault(const char *url, bool any_port)
{
    CURLU       *u;
    const char  *fault;

    u = curl_url();
    if (u == NULL) {
        return "out of memory";
    }

    fault = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK
            ? igj_webhook_parts_fault(u, any_port)
            : "the URL is malformed";
    curl_url_cleanup(u);

    return fault;
}


static const char *
igj_webhook_parts_fault(CURLU *u, bool any_port)
{
    char        *scheme;
    const char  *fault;

    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        return "the URL has no scheme";
    }

    fault = (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0)
            ? NULL : "the URL is neither http nor https";
    curl_free(scheme);

    if (fault != NULL) {
        return fault;
    }

    if (igj_webhook_has(u, CURLUPART_USER)
        || igj_webhook_has(u, CURLUPART_PASSWORD))
    {
        return "the URL names a user";
    }

    return any_port ? NULL : igj_webhook_port_fault(u);
}


static const char *
igj_webhook_port_fault(CURLU *u)
{
    char  *text;
    long   port;

    if (curl_url_get(u, CURLUPART_PORT, &text, CURLU_DEFAULT_PORT)
        != CURLUE_OK)
    {
        return "the URL has no port";
    }

    port = strtol(text, NULL, 10);
    curl_free(text);

    return (port == 80 || port == 443 || port >= IGJ_WEBHOOK_PORT_FREE)
           ? NULL : "the port is neither 80, 443 nor from 1024 on";
}


static bool
igj_webhook_has(CURLU *u, CURLUPart part)
{
    char  *text;

    if (curl_url_get(u, part, &text, 0) != CURLUE_OK) {
        return false;
    }

    curl_free(text);

    return true;
}
