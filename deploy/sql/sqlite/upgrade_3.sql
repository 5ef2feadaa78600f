-- From version 2 to 3 of the embedded schema; a new file gets schema.sql and then this.

-- Who sends mail, and how much each of them sent on its latest day (UTC, in days since the epoch).
CREATE TABLE herald_senders (
  worker TEXT PRIMARY KEY,
  lease_until INTEGER NOT NULL,
  day INTEGER NOT NULL,
  mails INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
