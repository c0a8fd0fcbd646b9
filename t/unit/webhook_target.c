/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Where webhooks may go: addresses at the edges of every range, URLs. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "igj_webhook_target.h"
#include "tap.h"


static int
is_open(const char *text)
{
    struct sockaddr_in   in4 = { .sin_family = AF_INET };
    struct sockaddr_in6  in6 = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &in4.sin_addr) == 1) {
        return igj_webhook_address_open((struct sockaddr *) &in4);
    }

    if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
        return igj_webhook_address_open((struct sockaddr *) &in6);
    }

    return -1;
}


static void
test_addresses(void)
{
    size_t              i;
    struct sockaddr_un  un = { .sun_family = AF_UNIX };

    static const char *const  open[] = {
        "1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0",
        "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0",
        "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
        "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
        "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "2000::", "2001:200::", "2001:db7:ffff::1", "2001:db9::",
        "2606:4700::1111", "3ffe:ffff::", "3fff:1000::",
        "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"
    };

    static const char *const  closed[] = {
        "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255",
        "100.64.0.0", "100.100.100.200", "100.127.255.255", "127.0.0.1",
        "127.255.255.255", "168.63.129.16", "169.254.0.0",
        "169.254.169.254", "169.254.255.255", "172.16.0.0",
        "172.31.255.255", "192.0.0.0", "192.0.0.192", "192.0.2.255",
        "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0",
        "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.0",
        "239.255.255.255", "240.0.0.0", "255.255.255.255",
        "::", "::1", "::2", "::127.0.0.1", "::8.8.8.8",
        "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254",
        "::ffff:0:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808", "100::1", "1fff:ffff::", "2001::1",
        "2001:1ff:ffff::", "2001:db8::1", "2002:7f00:1::1",
        "2002:a00:1::1", "2002:a9fe:a9fe::", "3fff::1", "3fff:fff::1",
        "4000::", "5f00::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254",
        "fdff::1", "fe00::1", "fe80::1", "febf::1", "fec0::1", "ff02::1"
    };

    for (i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
        is(is_open(open[i]), 1, "open: %s", open[i]);
    }

    for (i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
        is(is_open(closed[i]), 0, "closed: %s", closed[i]);
    }

    ok(!igj_webhook_address_open((struct sockaddr *) &un), "closed: a file");
}


static void
test_urls(void)
{
    size_t  i;

    static const char *const  good[] = {
        "http://example.com", "https://example.com/a?b=c#d",
        "HTTPS://EXAMPLE.COM/", "http://example.com:80/",
        "https://example.com:8443/", "http://example.com:65535/",
        "http://[2606:4700::1111]:1024/", "https://example.com/a@b:c"
    };

    static const char *const  bad[] = {
        "", "example.com", "/path", "ftp://example.com/",
        "file:///etc/passwd", "gopher://example.com/", "dict://x:11211/",
        "http://", "http://u@example.com/",
        "http://u:p@example.com/", "http://:p@example.com/",
        "http://example.com:22/", "http://example.com:25/",
        "http://example.com:1023/", "http://example.com:0/",
        "http://example.com:65536/", "http://example.com:x/",
        "http://exa mple.com/", "http://[::1/"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ok(igj_webhook_url_fault(good[i], false) == NULL, "good: %s", good[i]);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ok(igj_webhook_url_fault(bad[i], false) != NULL, "bad: %s", bad[i]);
    }

    ok(igj_webhook_url_fault("http://x:22/", true) == NULL, "any port");
    ok(igj_webhook_url_fault("http://u@x:22/", true) != NULL, "but no user");
}


int
main(void)
{
    test_addresses();
    test_urls();

    return done_testing();
}
