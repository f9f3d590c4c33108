-- What people say of alerts: the last verdict on an alert counts, earlier ones stay. They go with their
-- alert.
CREATE TABLE verdicts (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    alert    TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    verdict  TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    judge    TEXT    NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX verdicts_by_alert ON verdicts (alert, id);

CREATE TRIGGER verdicts_go_with_their_alert AFTER DELETE ON alerts WHEN OLD.revision = 1
BEGIN
    DELETE FROM verdicts WHERE alert = OLD.id;
END;
