"""One look at a running engine, as a value."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from .errors import BundleError
from .latency import HOP, MODEL_RATE
from .layout import LOADING, PLAYING, PRIMING, STATUS_FIELDS
from .model.bundle import QUOTES, Bundle
from .model.key import SCALE_NAMES
from .params.table import KEYS
from .perform import REFUSALS
from .provenance import voices
from .provenance.attribution import Attribution
from .provenance.works import name_of
from .units import gain_to_db

_STAGES = ("listening", "hearing", "answering")  # perform.STATES, in a listener's words
PHASES = {LOADING: "loading", PRIMING: "priming", PLAYING: "playing"}


@dataclass(frozen=True)
class Status:
    """Everything a player may want to see. Counts are since the start, through all restarts of the model; levels in dB
    re full scale; times in ns, the percentiles of them since the model's last restart.

    xruns is what the device reported, underflows how often the voice ran short, overflows how often the mic ring was
    full, late how many steps ended after their first frame was due, late_heard how many of them had a voice that was
    no silence, lead_raised how often the lead has grown for these.
    step_ns is until the voice of a hop is made, whole_ns with what the model puts off until that voice is away.
    notes_heard is how many notes the model knows now: fewer after a panic, and after a restart those of the last ten seconds.
    `plan` is what is known of the line that sounds: the note now and, where it is known, the next one, each as (device time of
    its onset in s, pitch, length in s or 0), and tempo that line's tempo (bpm, 0 where none plays). key_heard, scale_heard and
    tempo_heard are the performer's, empty and 0 before anything was heard.
    attributed counts the answers that it was said of what they are nearest to; of the last one `attribution` has the shares, largest
    first, which sum to 1, and `nearest` the melody that it has the longest run of notes in common with, and how long that is.
    payload is what the voice is marked with now, take the folder that is recorded into ("" none), take_s how long it is by now.
    guard_hits counts the notes that would have completed a quotation and were not played; guard_work and guard_length are the
    work that the last of them was of, and how many of its notes in a row it would have been. quote_length is how many notes in a
    row, up to the newest, some melody of the guard's has too. voice_match is the owner of the protected voice that the performer
    was taken for, and that the last answer kept apart from; "" none.
    `messages` is all that was said, oldest first.
    """

    driver: str
    input_name: str
    output_name: str
    samplerate: int
    blocksize: int
    in_channels: int
    out_channels: int
    frames: int
    blocks: int
    xruns: int
    input_xruns: int
    output_xruns: int
    underflows: int
    underflow_frames: int
    skipped_frames: int
    overflows: int
    overflow_frames: int
    voice_frames: int
    commands: int
    commands_late: int
    commands_dropped: int
    scrubbed: int
    limited_frames: int
    peak_in_db: float
    rms_in_db: float
    peak_out_db: float
    rms_out_db: float
    peak_out_max_db: float
    peak_voice_db: float
    limiter_db: float
    worker_alive: bool
    worker_pid: int | None
    restarts: int
    killed_stuck: int
    phase: str
    mode: str
    state: str
    hops: int
    primed_hops: int
    catch_ups: int
    late: int
    late_heard: int
    late_frames_max: int
    lead_ms: float
    lead_raised: int
    steps: int
    hop_ns: int
    step_ns: int
    step_ns_p50: int
    step_ns_p99: int
    step_ns_p999: int
    step_ns_max: int
    whole_ns_p50: int
    whole_ns_p99: int
    realtime: bool
    pitch_heard: float
    pitch_played: float
    loudness_heard_db: float
    loudness_played_db: float
    noise_floor_db: float
    phrase: bool
    answers: int
    refused: int
    refusal: str
    notes_heard: int
    notes_played: int
    key_heard: str
    scale_heard: str
    tempo_heard: float
    tempo: float
    plan: tuple[tuple[float, float, float], ...]
    guard_hits: int
    guard_work: str
    guard_length: int
    quote_length: int
    voice_match: str
    seed: int
    device_lost: bool
    device_losses: int
    device_reopens: int
    last_gap_s: float
    attributed: int
    attribution: tuple[tuple[str, float], ...]
    nearest: tuple[str, int]
    payload: str
    take: str
    take_s: float
    take_gap_frames: int
    finished: bool
    messages: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return self.frames / self.samplerate


def make_status(engine, counters: dict, model: dict[str, float], messages: tuple[str, ...]) -> Status:
    """Put a Status together from the callback's counters and the model's status."""
    settled, driver, keeper = engine.format, engine.driver, engine.keeper
    alive = keeper.alive if keeper else engine.worker is not None
    if keeper:
        counted = keeper.counted(model)
        model = (model if keeper.speaks else dict.fromkeys(STATUS_FIELDS, 0.0)) | counted
    in_xruns = counters["input_underflows"] + counters["input_overflows"]
    out_xruns = counters["output_underflows"] + counters["output_overflows"]
    return Status(
        driver=driver.name,
        input_name=driver.input_name,
        output_name=driver.output_name,
        samplerate=settled.samplerate,
        blocksize=settled.blocksize,
        in_channels=settled.in_channels,
        out_channels=settled.out_channels,
        frames=counters["frames"],
        blocks=counters["blocks"],
        xruns=in_xruns + out_xruns,
        input_xruns=in_xruns,
        output_xruns=out_xruns,
        underflows=counters["underflows"],
        underflow_frames=counters["underflow_frames"],
        skipped_frames=counters["skipped_frames"],
        overflows=counters["mic_overflows"],
        overflow_frames=counters["mic_overflow_frames"],
        voice_frames=counters["voice_frames"],
        commands=counters["commands"],
        commands_late=counters["commands_late"],
        commands_dropped=engine.steering.dropped + counters["commands_refused"],
        scrubbed=counters["scrubbed"],
        limited_frames=counters["limited_frames"],
        peak_in_db=gain_to_db(counters["in_peak"]),
        rms_in_db=gain_to_db(counters["in_rms"]),
        peak_out_db=gain_to_db(counters["out_peak"]),
        rms_out_db=gain_to_db(counters["out_rms"]),
        peak_out_max_db=gain_to_db(counters["out_peak_max"]),
        peak_voice_db=gain_to_db(counters["voice_peak"]),
        limiter_db=gain_to_db(counters["limiter_gain"]),
        worker_alive=alive,
        worker_pid=keeper.pid if keeper else None,
        restarts=keeper.restarts if keeper else 0,
        killed_stuck=keeper.killed_stuck if keeper else 0,
        phase=PHASES[int(model["phase"])] if alive else "absent",
        mode=str(engine.values["mode"]),
        state=_state(alive, model),
        hops=int(model["hop"]),
        primed_hops=int(model["primed_hops"]),
        catch_ups=int(model["catch_ups"]),
        late=int(model["late"]),
        late_heard=int(model["late_heard"]),
        late_frames_max=int(model["late_frames_max"]),
        lead_ms=engine.lead_ms,
        lead_raised=engine.lead_raised,
        steps=int(model["steps"]),
        hop_ns=HOP * 1_000_000_000 // MODEL_RATE,
        step_ns=int(model["step_ns"]),
        step_ns_p50=int(model["step_ns_p50"]),
        step_ns_p99=int(model["step_ns_p99"]),
        step_ns_p999=int(model["step_ns_p999"]),
        step_ns_max=int(model["step_ns_max"]),
        whole_ns_p50=int(model["whole_ns_p50"]),
        whole_ns_p99=int(model["whole_ns_p99"]),
        realtime=bool(model["realtime"]),
        pitch_heard=model["pitch_heard"],
        pitch_played=model["pitch_played"],
        loudness_heard_db=model["loudness_heard_db"],
        loudness_played_db=model["loudness_played_db"],
        noise_floor_db=model["noise_floor_db"],
        phrase=bool(model["phrase"]),
        answers=int(model["answers"]),
        refused=int(model["refused"]),
        refusal=REFUSALS[int(model["refusal"])],
        notes_heard=int(model["notes_heard"]),
        notes_played=int(model["notes_played"]),
        key_heard=KEYS[1 + int(model["key_heard"])] if model["tempo_heard"] else "",
        scale_heard=SCALE_NAMES[int(model["scale_heard"])] if model["tempo_heard"] else "",
        tempo_heard=model["tempo_heard"],
        tempo=model["tempo"],
        plan=_plan(model),
        guard_hits=int(model["guard_hits"]),
        guard_work=_work(str(engine.config.bundle), int(model["guard_work"])) if model["guard_hits"] else "",
        guard_length=int(model["guard_length"]),
        quote_length=int(model["quote_length"]),
        voice_match=_owner(int(model["voice_match"])),
        seed=int(model["seed"]),
        device_lost=engine.lost,
        device_losses=engine.device_losses,
        device_reopens=engine.device_reopens,
        last_gap_s=engine.last_gap_s,
        attributed=engine.proof.attributed,
        attribution=_shares(engine.proof.attribution),
        nearest=_nearest(engine.proof.attribution),
        payload=engine.proof.payload.hex,
        take=engine.proof.takes.folder,
        take_s=engine.proof.takes.seconds,
        take_gap_frames=engine.proof.takes.gap_frames,
        finished=bool(driver.finished),
        messages=messages,
    )


@functools.lru_cache(maxsize=64)
def _work(bundle: str, key: int) -> str:
    """The name of a work that was kept from being quoted. About 40 ms the first time; it does not change while it plays."""
    try:
        return name_of(key, Bundle.open(bundle).constant(QUOTES))
    except BundleError:  # it is being changed while it plays
        return ""


@functools.lru_cache(maxsize=64)
def _owner(key: int) -> str:
    """Whose a protected voice is; "a protected voice" where it was taken out of the register while it plays."""
    return (voices.name_of(key) or "a protected voice") if key else ""


def _shares(attribution: Attribution | None) -> tuple[tuple[str, float], ...]:
    shares = attribution.shares if attribution else ()
    return tuple((share.name, round(share.share, 3)) for share in sorted(shares, key=lambda share: -share.share))


def _nearest(attribution: Attribution | None) -> tuple[str, int]:
    near = attribution.nearest[:1] if attribution else ()
    return (near[0].name, near[0].notes) if near else ("", 0)


def _plan(model: dict[str, float]) -> tuple[tuple[float, float, float], ...]:
    now = (model["note_onset_s"], model["note_pitch"], model["note_length_s"])
    coming = (model["next_onset_s"], model["next_pitch"], 0.0)
    return tuple(note for note in (now, coming) if note[1] > 0)


def _state(alive: bool, model: dict[str, float]) -> str:
    if not alive or model["phase"] != PLAYING:
        return "absent"
    return _STAGES[int(model["state"])]
