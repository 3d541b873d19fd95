"""The tables of candles."""

from marketdata.candles.models.candles import Candle, CandleChunk, CandleCollection, CandleCoverage, CandleSeries
from marketdata.candles.models.features import FeatureFlag, FlagRollback

__all__ = ["Candle", "CandleChunk", "CandleCollection", "CandleCoverage", "CandleSeries", "FeatureFlag", "FlagRollback"]
