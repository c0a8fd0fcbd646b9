/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* Of docs/openapi.html, by stack/openapi. */

#define NGX_HTTP_IGJOBS_DOCS_SCRIPT                                           \
    "'sha256-2kAYHeDWC0060TyckvsXnD1qiexoeqNw8fKK4tmvNTA='"
#define NGX_HTTP_IGJOBS_DOCS_STYLE                                            \
    "'sha256-Xqk/Qzq02NIsh+c5tcuv59xgIXXVx1HjZkoto6W4WqY='"
