/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Names of platforms; igjobs.platform_kind() makes the same kinds of them. */

#include "igj_platform.h"


static const char *const  igj_platform_kinds[] = {
    [IGJ_PLATFORM_INSTAGRAM] = IGJ_KIND_SCRAPE,
    [IGJ_PLATFORM_TIKTOK] = IGJ_KIND_SCRAPE ".tiktok",
    [IGJ_PLATFORM_THREADS] = IGJ_KIND_SCRAPE ".threads",
    [IGJ_PLATFORM_X] = IGJ_KIND_SCRAPE ".x"
};


const char *const  igj_platform_names[IGJ_PLATFORMS + 1] = {
    [IGJ_PLATFORM_INSTAGRAM] = "instagram",
    [IGJ_PLATFORM_TIKTOK] = "tiktok",
    [IGJ_PLATFORM_THREADS] = "threads",
    [IGJ_PLATFORM_X] = "x",
    NULL
};


const char *
igj_platform_name(igj_platform_e platform)
{
    return igj_platform_names[platform];
}


const char *
igj_platform_kind(igj_platform_e platform)
{
    return igj_platform_kinds[platform];
}
