"""Boards on a Raspberry Pi's GPIO header as the kernel shows them, from drivers and vendors' files."""

from __future__ import annotations

from tests.roots.kernel import CardShown, Machine, Pcm, Platform


def soc(
    machine: Machine,
    card_id: str,
    name: str,
    pcm: str,
    *,
    driver: str,
    kernel_driver: str,
    compatible: str,
    playback: bool = True,
    controls: tuple[str, ...] = (),
) -> CardShown:
    """A card on the GPIO header of `machine`."""
    return CardShown(
        card_id,
        driver,
        name,
        (Pcm(pcm, capture=True, playback=playback),),
        Platform(machine.sound_node, kernel_driver, compatible),
        controls=controls,
    )


WM8960_CONTROLS = (
    "Capture Volume",
    "Capture Switch",
    "Left Input Boost Mixer LINPUT1 Volume",
    "Right Input Boost Mixer RINPUT1 Volume",
    "Playback Volume",
    "Headphone Playback Volume",
    "Speaker Playback Volume",
    "PCM Playback -6dB Switch",
    "ALC Function",
    "ADC PCM Capture Volume",
    "Left Boost Mixer LINPUT1 Switch",
    "Right Boost Mixer RINPUT1 Switch",
)
TLV320AIC3104_CONTROLS = (
    "PCM Playback Volume",
    "Line DAC Playback Volume",
    "HP DAC Playback Volume",
    "Line Playback Switch",
    "HP Playback Switch",
    "PGA Capture Volume",
    "PGA Capture Switch",
    "AGC Switch",
)
DA7213_CONTROLS = (
    "Mic 1 Volume",
    "Mic 2 Volume",
    "Mixin PGA Volume",
    "ADC Capture Volume",
    "Lineout Volume",
    "Headphone Volume",
    "DAC Playback Volume",
    "Mixin Left Mic 2 Switch",
    "Mixin Right Mic 2 Switch",
)
DAC_ADC_PRO_CONTROLS = (
    "Digital Playback Volume",
    "Analogue Playback Volume",
    "ADC Left Input",
    "ADC Right Input",
    "ADC Mic Bias",
    "PGA Gain Left",
    "PGA Gain Right",
    "ADC Capture Volume",
)


def two_mics(machine: Machine, controls: tuple[str, ...], codec: str) -> CardShown:
    """ReSpeaker 2-Mics, either revision: only codec and controls tell them apart."""
    return soc(
        machine,
        "seeed2micvoicec",
        "seeed-2mic-voicecard",
        f"bcm2835-i2s-{codec} {codec}-0",
        driver="seeed-2mic-voicecard",
        kernel_driver="asoc-simple-card",
        compatible="simple-audio-card",
        controls=controls,
    )


def wm8960_soundcard(machine: Machine) -> CardShown:
    """The codec of the Adafruit Voice Bonnet with the driver for Waveshare's HAT, which has the same one."""
    return soc(
        machine,
        "wm8960soundcard",
        "wm8960-soundcard",
        "bcm2835-i2s-wm8960-hifi wm8960-hifi-0",
        driver="wm8960-soundcard",
        kernel_driver="asoc-simple-card",
        compatible="simple-audio-card",
        controls=WM8960_CONTROLS,
    )


def seeed_array(machine: Machine, microphones: int) -> CardShown:
    """ReSpeaker 4-Mic (AC108) and 6-Mic (AC108 and AC101: it plays too)."""
    name = f"seeed-{microphones}mic-voicecard"
    codec = "ac10x-codec.1-003b"
    return soc(
        machine,
        f"seeed{microphones}micvoicec",
        name,
        f"bcm2835-i2s-ac10x-codec0 {codec}-0",
        driver=name,
        kernel_driver="asoc-simple-card",
        compatible="simple-audio-card",
        playback=microphones == 8,
        controls=tuple(f"CH{channel} digital volume" for channel in range(1, microphones + 1))
        + tuple(f"ADC{channel} PGA gain" for channel in range(1, microphones + 1)),
    )


def voice_hat(machine: Machine) -> CardShown:
    """`dtoverlay=googlevoicehat-soundcard`: Google's HAT, and most bare I2S microphones."""
    return soc(
        machine,
        "sndrpigooglevoi",
        "snd_rpi_googlevoicehat_soundcard",
        "Google voiceHAT SoundCard HiFi voicehat-hifi-0",
        driver="RPi-simple",
        kernel_driver="snd-rpi-simple",
        compatible="googlevoicehat,googlevoicehat-soundcard",
    )


def i2s_simple(machine: Machine) -> CardShown:
    """An I2S microphone through a simple-audio-card overlay of one's own."""
    return soc(
        machine,
        "sndrpii2scard",
        "snd_rpi_i2s_card",
        "simple-card_codec_link snd-soc-dummy-dai-0",
        driver="simple-card",
        kernel_driver="asoc-simple-card",
        compatible="simple-audio-card",
    )


def voice_bonnet(machine: Machine) -> CardShown:
    """Google AIY Voice Bonnet v2."""
    return soc(
        machine,
        "aiyvoicebonnet",
        "aiy-voicebonnet",
        "bcm2835-i2s-rt5645-aif1 rt5645-aif1-0",
        driver="aiy-voicebonnet",
        kernel_driver="snd-soc-aiy-voicebonnet",
        compatible="google,aiy-voicebonnet",
        controls=("ADC Capture Volume", "ADC Capture Switch", "ADC Boost Capture Volume", "Int Mic Switch"),
    )


def codec_zero(machine: Machine, card_id: str, name: str) -> CardShown:
    """Pi Codec Zero, and the IQaudIO board it was before."""
    return soc(
        machine,
        card_id,
        name,
        f"{name} HiFi v1.2 da7213-hifi-0",
        driver=name.replace(" ", "_"),
        kernel_driver="iqaudio-codec",
        compatible="iqaudio,iqaudio-codec",
        controls=DA7213_CONTROLS,
    )


def hifiberry_dac_adc(machine: Machine, *, pro: bool) -> CardShown:
    """HiFiBerry DAC+ADC, with and without Pro: the same card id."""
    name = "snd_rpi_hifiberry_dacplusadcpro" if pro else "snd_rpi_hifiberry_dacplusadc"
    return soc(
        machine,
        "sndrpihifiberry",
        name,
        "HiFiBerry DAC+ADC Pro HiFi multicodec-0" if pro else "HiFiBerry DAC+ADC HiFi multicodec-0",
        driver="HifiberryDacpAdcPro" if pro else "HifiberryDacpAdc",
        kernel_driver="snd-rpi-hifiberry-dacplusadcpro" if pro else "snd-rpi-hifiberry-dacplusadc",
        compatible="hifiberry,hifiberry-dacplusadcpro" if pro else "hifiberry,hifiberry-dacplusadc",
        controls=DAC_ADC_PRO_CONTROLS if pro else ("Digital Playback Volume", "Analogue Playback Volume"),
    )


def matrix(machine: Machine) -> CardShown:
    """MATRIX Voice and Creator."""
    return soc(
        machine,
        "MATRIXIOSOUND",
        "MATRIXIO-SOUND",
        "matrixio.mic.0 snd-soc-dummy-dai-0",
        playback=False,
        driver="MATRIXIO-SOUND",
        kernel_driver="matrixio-audio",
        compatible="matrix-io,matrixio-audio",
    )


def unknown_soc(machine: Machine) -> CardShown:
    """A sound HAT that nobody has written a profile for."""
    return soc(
        machine,
        "audioinjectorpi",
        "audioinjector-pi-soundcard",
        "AudioInjector audio wm8731-hifi-0",
        driver="audioinjector-pi-soundcard",
        kernel_driver="audioinjector-stereo",
        compatible="ai,audioinjector-pi-soundcard",
        controls=("Capture Volume", "Mic Capture Switch", "Master Playback Volume"),
    )
