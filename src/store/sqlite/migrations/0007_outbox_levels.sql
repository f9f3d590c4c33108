-- The level of a row's alert, 1 (blue) to 4 (red): when more is due than a sink takes, the highest go
-- first. The index has the rows in that order, so that taking a few does not sort all that wait.
ALTER TABLE outbox ADD COLUMN level INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET level = (SELECT CASE json_extract(body, '$.level')
    WHEN 'red' THEN 4 WHEN 'orange' THEN 3 WHEN 'yellow' THEN 2 ELSE 1 END
    FROM alerts WHERE alerts.key = outbox.alert) WHERE delivered_at IS NULL;
CREATE INDEX outbox_by_level ON outbox (sink, level DESC, due_at, seq) WHERE due_at IS NOT NULL;

-- Whether a row was settled without being sent, with the reason in `receipt`: the sink's routes, a
-- silence or a higher alert kept it back.
ALTER TABLE outbox ADD COLUMN suppressed INTEGER NOT NULL DEFAULT 0;
