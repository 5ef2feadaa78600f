// A database's definitions as text, to compare two databases, or one before and after.
#pragma once

#include <string>

#include "adapters/store/postgres/connection.hpp"

namespace herald::test {

/// One line per column, constraint, index, function, trigger, policy, sequence and right in the schemas `public` and
/// `auth`, sorted. Says nothing of rows.
inline std::string catalog_of(postgres::connection& db) {
  auto out = db.run(R"sql(
    WITH tables AS (
      SELECT c.oid, n.nspname || '.' || c.relname AS name, relkind, relrowsecurity, relreplident,
        relowner, relacl FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      WHERE n.nspname IN ('public', 'auth') AND c.relkind IN ('r', 'p', 'v', 'S'))
    SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
      SELECT concat_ws(' ', 'relation', name, relkind, relrowsecurity, relreplident, relowner::regrole) AS line FROM tables
      UNION ALL SELECT concat_ws(' ', 'right', name, r.grantee::regrole, r.privilege_type)
        FROM tables, aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))) r
      UNION ALL SELECT concat_ws(' ', 'column', name, attname, format_type(atttypid, atttypmod), attnotnull,
          pg_get_expr(adbin, adrelid))
        FROM tables JOIN pg_attribute a ON attrelid = tables.oid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attnum > 0 AND NOT attisdropped
      UNION ALL SELECT concat_ws(' ', 'constraint', name, conname, pg_get_constraintdef(x.oid))
        FROM tables JOIN pg_constraint x ON conrelid = tables.oid
      UNION ALL SELECT concat_ws(' ', 'index', indisvalid, pg_get_indexdef(indexrelid))
        FROM tables JOIN pg_index ON indrelid = tables.oid
      UNION ALL SELECT concat_ws(' ', 'trigger', tgenabled, pg_get_triggerdef(x.oid))
        FROM tables JOIN pg_trigger x ON tgrelid = tables.oid WHERE NOT tgisinternal
      UNION ALL SELECT concat_ws(' ', 'policy', name, polname, polcmd, pg_get_expr(polqual, polrelid),
          pg_get_expr(polwithcheck, polrelid))
        FROM tables JOIN pg_policy ON polrelid = tables.oid
      UNION ALL SELECT concat_ws(' ', 'function', f.oid::regprocedure, f.proowner::regrole, f.proacl,
          md5(pg_get_functiondef(f.oid)))
        FROM pg_proc f WHERE pronamespace IN ('public'::regnamespace, to_regnamespace('auth')) AND prokind = 'f') lines
  )sql",
                    {}, "read the catalogue");
  if (out.has_error())
    throw std::runtime_error(to_string(out.error()));
  return std::string{out->text(0, 0)};
}

} // namespace herald::test
