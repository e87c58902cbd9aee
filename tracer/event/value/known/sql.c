// SPDX-License-Identifier: GPL-2.0-or-later
// The package database/sql.
#include "tracer/event/value/known/known.h"

// The first field is the value.
static bool put_null(const struct known_value *value, struct text *out)
{
	int64_t is_valid;
	if (!known_number(value, "Valid", &is_valid) || !value->type->num_fields)
		return false;
	if (is_valid)
		return known_put_scalar(value, value->type->fields[0].name, out);
	text_puts(out, "NULL");
	return true;
}

// The driver's type, if it is known, and how many connections there are.
static bool put_db(const struct known_value *db, struct text *out)
{
	struct dynamic driver;
	int64_t num_open, is_closed;
	uint64_t num_idle;
	if (!known_number(db, "numOpen", &num_open) || !known_len(db, "freeConn", &num_idle) ||
	    !known_number(db, "closed", &is_closed) || num_open < 0)
		return false;
	// The connector that sql.Open makes is not the driver's.
	if (known_dynamic(db, "connector.driver", &driver) ||
	    (known_dynamic(db, "connector", &driver) &&
	     strcmp(driver.type->full_name, "database/sql.dsnConnector") != 0))
		text_printf(out, "%s, ", driver.type->name);
	if (is_closed)
		text_puts(out, "closed");
	else
		text_printf(out, "%lld open, %llu idle", (long long)num_open,
			    (unsigned long long)num_idle);
	return true;
}

const struct known_row known_sql[] = {
	{"database/sql.NullString", put_null, 0},
	{"database/sql.NullInt64", put_null, 0},
	{"database/sql.NullInt32", put_null, 0},
	{"database/sql.NullInt16", put_null, 0},
	{"database/sql.NullByte", put_null, 0},
	{"database/sql.NullFloat64", put_null, 0},
	{"database/sql.NullBool", put_null, 0},
	{"database/sql.NullTime", put_null, 0},
	{"database/sql.Null[", put_null, 0},
	{"database/sql.DB", put_db, KNOWN_TYPED | KNOWN_POINTER},
	{0},
};
