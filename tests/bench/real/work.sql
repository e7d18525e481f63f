-- SPDX-License-Identifier: MIT
-- What the item sqlite runs: rows of made numbers, an index, a grouping, joins, updates and sorting; prints what came out.
create table parts(id integer primary key, name text, price integer, shelf integer);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
    insert into parts select i, printf('part-%06d', i * 7919 % 20011), i * 31 % 9973, i * 17 % 97 from n;
create index parts_name on parts(name);
create index parts_shelf on parts(shelf, price);
create table shelves as select shelf, count(*) held, sum(price) worth, max(name) last from parts group by shelf;
update parts set price = price * 2 where shelf in (select shelf from shelves where held % 2);
delete from parts where id % 13 = 0;
select count(*), sum(price), min(name), max(id) from parts;
select sum(a.price * b.price % 1009) from parts a join parts b on b.shelf = a.shelf and b.price between a.price and a.price + 60;
select name, price from parts where name like '%77%' order by price desc, name limit 20;
select sum(rank * price % 7919) from (select price, row_number() over (partition by shelf order by price, id) rank from parts);
select group_concat(worth) from (select worth from shelves order by last desc limit 20);
select sum(length(replace(upper(name), 'PART', 'pieces'))) from parts;
begin;
update parts set name = name || '-' || shelf where id % 3 = 0;
rollback;
pragma integrity_check;
