-- What a station told of later, because its server was gone when it happened: which station, when by its clock, and under which id of
-- its own, so that what is told twice is kept once.
alter table audit add column station text;
alter table audit add column happened_at bigint;
alter table audit add column told_as text;
create unique index audit_told_once on audit (told_as);
