-- Which stage got slower since last week: its daily medians from a day on against those of the seven days of work before?
-- Parameters: since
SELECT stage, before_ms, after_ms, after_ms / before_ms AS times
FROM (SELECT t.stage,
             avg(CASE WHEN t.day < :since THEN t.p50_ms END) AS before_ms,
             avg(CASE WHEN t.day >= :since THEN t.p50_ms END) AS after_ms
      FROM stage_percentiles_by_day t
      WHERE t.day >= (SELECT min(day)
                      FROM (SELECT DISTINCT day FROM stage_percentiles_by_day
                            WHERE day < :since ORDER BY day DESC LIMIT 7) week)
      GROUP BY t.stage) weeks
WHERE after_ms > 1.1 * before_ms
ORDER BY times DESC, stage
