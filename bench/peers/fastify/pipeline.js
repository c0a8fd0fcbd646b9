// Copyright (c) igjobs authors. BSD 2-clause, see LICENSE.
//
// A few connections to Postgres that are never lent out: queries of any number
// of requests follow each other on them without waiting for the answers. For
// statements that are short and commit by themselves.

import pg from 'pg';

export class Pipeline {
  constructor(count, options) {
    this.options = { ...options, pipeline: true };
    this.clients = new Array(count);
    this.turn = 0;
  }

  query(statement) {
    this.turn = (this.turn + 1) % this.clients.length;
    this.clients[this.turn] ??= this.open(this.turn);
    return this.clients[this.turn].query(statement);
  }

  // queries wait in the client until it is connected; one that is lost is
  // replaced at the next query
  open(slot) {
    const client = new pg.Client(this.options);
    const drop = () => {
      if (this.clients[slot] === client) this.clients[slot] = undefined;
    };

    client.on('error', drop);
    client.on('end', drop);
    client.connect().catch(drop);
    return client;
  }

  end() {
    return Promise.all(this.clients.map((client) => client?.end()));
  }
}
