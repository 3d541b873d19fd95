"""Parameters of the schema that many endpoints share."""

from __future__ import annotations

from marketdata.web.api.schema import path_parameter

MARKET = path_parameter("market", "kr, us, upbit, or any imported one", {"Korea": "kr"})
CODE = path_parameter("code", "The instrument's code in its market", {"Samsung Electronics": "005930"})
