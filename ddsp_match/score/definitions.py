"""Definitions of the figures of the score card."""

from __future__ import annotations

from ddsp_match.score.card import Metric

_AURALOSS = "auraloss' MultiResolutionSTFTLoss (Steinmetz and Reiss 2020), no spectral convergence"
_OURS = "ddsp_match.losses.metrics"

METRICS = (
    Metric(
        "mrstft", "mrstft", "", "lower",
        "Mean absolute difference of STFT magnitudes plus that of their natural logarithms, averaged over six FFT "
        "sizes (64 to 2048 samples at 16 kHz, as long in seconds at any other rate); 0 is the sound itself. Two "
        "draws of the same noise are 0.8 apart or more.",
        _AURALOSS, 3,
    ),
    Metric(
        "mel_db", "mel", "dB", "lower",
        "Mean absolute difference over 80 mel bands and frames, where either sound lies within 60 dB of the target's "
        "loudest band: what a listener could notice. Two draws of the same noise are 2 to 4 dB apart.",
        _OURS,
    ),
    Metric(
        "mel_net_db", "net mel", "dB", "lower",
        "As mel, less what two draws of the match's own noise are apart (by squares): what chance does not explain.",
        _OURS,
    ),
    Metric(
        "mel_steady_db", "steady mel", "dB", "lower",
        "As mel, on powers averaged over 100 ms, which is fair to noise: two draws of the same noise are 1 to 1.5 dB "
        "apart.",
        _OURS,
    ),
    Metric(
        "lsd_db", "LSD", "dB", "lower",
        "Log-spectral distance: root mean square over frequency of the difference in dB, 1024-point STFT with "
        "magnitudes floored at 1e-4, mean over frames.",
        "Gray and Markel 1976",
    ),
    Metric(
        "mfcc_distance", "MFCC", "dB", "lower",
        "Euclidean difference of mel-frequency cepstral coefficients 1 to 13 of 40 mel bands, mean over frames: the "
        "timbre without the level.",
        "Davis and Mermelstein 1980; coefficients as librosa's",
    ),
    Metric(
        "loudness_l1_db", "loudness", "dB", "lower",
        "Mean absolute difference of A-weighted loudness, over frames within 60 dB of the target's loudest. Below 1 dB "
        "it is not noticed.",
        "Engel et al. 2020 (DDSP), loudness L1",
    ),
    Metric(
        "f0_l1_cents", "pitch", "cents", "lower",
        "Mean absolute difference between the pitch (f0) of the match and that of the target, over frames with "
        "a pitch in both.",
        "Engel et al. 2020 (DDSP), f0 L1, in cents; both tracked as in the fit", 1,
    ),
    Metric(
        "octave_errors", "octave errors", "share", "lower",
        "Share of the frames with a pitch in both whose f0 lies within 50 cents of one or more whole octaves away from "
        "the target's.",
        "Raw chroma accuracy less raw pitch accuracy (Poliner et al. 2007; Raffel et al. 2014, mir_eval)", 3,
    ),
    Metric(
        "voicing_agreement", "voicing", "share", "higher",
        "Share of frames in which target and match both have a pitch or both have none.",
        "One less the voicing errors of Poliner et al. 2007", 3,
    ),
    Metric(
        "snr_db", "SNR", "dB", "higher",
        "Energy of the target over that of the difference, sample by sample; low without being audible where phases "
        "are not tracked.",
        _OURS, 1,
    ),
    Metric(
        "mos", "mos", "1 to 5", "higher",
        "Opinion score that Zimtohrli, a model of hearing, predicts at 48 kHz; 5 cannot be told apart. The median over "
        "leading pads of silence, because single values flip by up to 0.9 when both sounds are shifted.",
        "Zimtohrli (Alakuijala et al. 2025), https://github.com/google/zimtohrli",
    ),
    Metric(
        "harmonic_share", "harmonic", "share", "neither",
        "Share of the harmonic stem in the energy of both stems.", _OURS, 3,
    ),
    Metric(
        "noise_share", "noise", "share", "neither",
        "Share of the noise stem in the energy of both stems.", _OURS, 3,
    ),
    Metric(
        "unexplained_share", "unexplained", "share", "lower",
        "Energy of the difference of the magnitude spectra (1024-point STFT) over the target's. Two draws of the same "
        "noise leave 43 %.", _OURS, 3,
    ),
    Metric(
        "voiced_share", "voiced", "share", "neither",
        "Share of the target's frames in which a pitch was found.", "Measured by the fit", 3,
    ),
    Metric(
        "doubt_share", "in doubt", "share", "lower",
        "Share of the target's frames in which the pitch may be wrong.", "Measured by the fit", 3,
    ),
    Metric(
        "numbers_per_second", "numbers", "1/s", "lower",
        "Numbers that the patch holds for each second, all channels together.", "Counted", 0,
    ),
    Metric(
        "kbit_per_second", "bits", "kbit/s", "lower",
        "Size of the patch file for each second.", "Counted", 1,
    ),
    Metric(
        "seconds", "time", "s", "lower",
        "Wall time of the fit, all stages together; of a batch each sound's share.", "Measured by the fit",
    ),
    Metric(
        "peak_mb", "memory", "MB", "lower",
        "Largest memory of the process that fitted the sound, those fitted beside it included.",
        "Measured by the fit", 0,
    ),
)  # fmt: skip
BY_KEY = {metric.key: metric for metric in METRICS}


def header(metric: Metric) -> str:
    """A metric's column in a table of text: its key and its unit."""
    return f"{metric.key} [{metric.unit}]" if metric.unit else metric.key


def badness(key: str, value: float) -> float:
    """A figure turned so that more is worse; one that is neither better nor worse counts by its size."""
    return -value if BY_KEY[key].better == "higher" else value
