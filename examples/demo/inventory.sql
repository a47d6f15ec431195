-- The inventory of the demo. It is created at every start, in a database of its own.
create table assets (
  id bigint generated always as identity primary key,
  name text not null unique,
  type text not null,
  operating_system text not null,
  location text not null,
  assigned_to text,
  purchased_on date not null
);

insert into assets (name, type, operating_system, location, assigned_to, purchased_on) values
  ('ws-berlin-01', 'Windows workstations', 'Windows 11 Pro 24H2', 'Berlin', 'a.hoffmann', '2024-02-12'),
  ('ws-berlin-02', 'Windows workstations', 'Windows 11 Pro 24H2', 'Berlin', 'm.yilmaz', '2024-02-12'),
  ('ws-berlin-03', 'Windows workstations', 'Windows 11 Pro 23H2', 'Berlin', null, '2023-06-30'),
  ('ws-lisbon-01', 'Windows workstations', 'Windows 11 Pro 24H2', 'Lisbon', 'r.carvalho', '2025-01-20'),
  ('ws-lisbon-02', 'Windows workstations', 'Windows 10 Pro 22H2', 'Lisbon', 'i.marques', '2021-09-03'),
  ('ws-remote-01', 'Windows workstations', 'Windows 11 Pro 24H2', 'remote', 'k.lindqvist', '2025-04-07');
