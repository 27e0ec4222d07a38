-- name: add
INSERT INTO history (tenant, kind, bill_id, actor, action, reason, detail, changes, visma_type,
                     visma_number, task_id)
VALUES (%(tenant)s, %(kind)s, %(bill_id)s, %(actor)s, %(action)s, %(reason)s, %(detail)s, %(changes)s,
        %(visma_type)s, %(visma_number)s, %(task_id)s);

-- name: list
SELECT * FROM history WHERE tenant = %(tenant)s AND kind = %(kind)s AND bill_id = %(bill_id)s ORDER BY id;
