"""The tables of candles."""

from marketdata.candles.models.candles import Candle, CandleChunk, CandleCollection, CandleCoverage, CandleSeries

__all__ = ["Candle", "CandleChunk", "CandleCollection", "CandleCoverage", "CandleSeries"]
