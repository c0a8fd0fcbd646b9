/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The version of all programs. */

#ifndef IGJ_VERSION_H
#define IGJ_VERSION_H


#define IGJ_VERSION  "1.0.0"


#endif /* IGJ_VERSION_H */
