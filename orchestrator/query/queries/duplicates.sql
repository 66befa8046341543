-- Which pages are there twice: the same bytes, or the same picture?
SELECT volume, page, kind, other_volume, other_page, distance
FROM duplicate_pages
ORDER BY volume, page_number, kind
