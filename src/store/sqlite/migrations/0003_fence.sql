-- How often an engine has committed: a commit names the one it builds on, so that of two processes
-- that work on the same engine only one can go on.
ALTER TABLE partitions ADD COLUMN commits INTEGER NOT NULL DEFAULT 0;
