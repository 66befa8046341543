-- How wide are the margins around the text, as fractions of the page?
SELECT volume, avg(l) AS left_margin, avg(t) AS top_margin, 1 - avg(r) AS right_margin, 1 - avg(b) AS bottom_margin
FROM (SELECT volume, page_run_id, min(x_fraction) AS l, min(y_fraction) AS t,
             max(x_fraction + width_fraction) AS r, max(y_fraction + height_fraction) AS b
      FROM page_boxes WHERE kind = 'line' GROUP BY volume, page_run_id) pages
GROUP BY volume
ORDER BY volume
