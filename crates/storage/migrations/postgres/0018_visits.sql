-- The keys of visitors are forgotten after a while: those that are old enough are found by their time.
CREATE INDEX visits_by_time ON visits (at);
