/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Of docs/openapi.html, by stack/openapi. */

#define NGX_HTTP_IGJOBS_DOCS_SCRIPT                                           \
    "'sha256-4+tAFPwFpGUtMzEc6R/iq6H08HqvpM5LA8/SuP5J2FM='"
#define NGX_HTTP_IGJOBS_DOCS_STYLE                                            \
    "'sha256-Xqk/Qzq02NIsh+c5tcuv59xgIXXVx1HjZkoto6W4WqY='"
