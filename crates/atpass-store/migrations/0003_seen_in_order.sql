-- With row numbers, the rows and what the index of ends holds of each second stay in the order in which they came: both
-- grow at their ends. Without, each of them took a page of its own at a random place, to be written in every commit.
CREATE TABLE seen_in_order (
    key        BLOB PRIMARY KEY NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
INSERT INTO seen_in_order (key, expires_at) SELECT key, expires_at FROM seen ORDER BY expires_at;
DROP TABLE seen;
ALTER TABLE seen_in_order RENAME TO seen;
CREATE INDEX seen_by_end ON seen (expires_at);
