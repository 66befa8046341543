-- How many columns has each page where most are side by side?
SELECT volume, page, columns
FROM page_status
WHERE state = 'done'
ORDER BY volume, page_number
