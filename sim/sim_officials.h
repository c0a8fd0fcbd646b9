/* Copyright (c) igjobs authors. BSD 2-clause, see LICENSE. */

/* The public officials' file, held in memory; see sim_world.h for readers. */

#ifndef SIM_OFFICIALS_H
#define SIM_OFFICIALS_H

/* Reads --officials, or the default file if there is one. */
void sim_officials_load(void);
void sim_officials_free(void);

#endif
