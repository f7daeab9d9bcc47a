-- City Health's inspection calendar, as its own program has it. Times are digits in UTC, to the second or millisecond.
CREATE TABLE INSP_CAL (
  INSP_NO   INT UNSIGNED NOT NULL PRIMARY KEY,
  STATUS_CD CHAR(1)      NOT NULL,
  DONE_BY   VARCHAR(30),
  DONE_AT   CHAR(14),
  CHG_TS    CHAR(17)     NOT NULL,
  UPD_TS    CHAR(17)     NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = latin1;

CREATE TABLE INSP_APPT (
  INSP_NO   INT UNSIGNED NOT NULL PRIMARY KEY,
  APPT_TS   CHAR(14)     NOT NULL,
  CHG_TS    CHAR(17)     NOT NULL,
  UPD_TS    CHAR(17)     NOT NULL,
  KEY INSP_APPT_UPD (UPD_TS)
) ENGINE = InnoDB DEFAULT CHARSET = latin1;
