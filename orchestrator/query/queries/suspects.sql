-- Which pages look odd, and why?
SELECT volume, page, reason, detail, measure
FROM suspect_pages
ORDER BY volume, page_number, reason
