"""What to change where an emitter sends too little or too much: one line of facts each (docs/how-to/send-calls)."""

from dataclasses import dataclass

PAGES = "docs/how-to/send-calls"
NO_TEXT = "its text is on by default; look for a setting that hides inputs or outputs"
INCLUDE_USAGE = 'streams of OpenAI-compatible APIs send tokens only with stream_options={"include_usage": True}'
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@dataclass(frozen=True, slots=True)
class Emitter:
    """`text` and `tokens` say how to get them, `off` how to silence it beside another emitter."""

    page: str
    text: str = NO_TEXT
    tokens: str = INCLUDE_USAGE
    off: str = "uninstall it, or do not call its instrumentor"

    @property
    def see(self) -> str:
        return f"see {PAGES}/{self.page}"


UNKNOWN = Emitter("README.md", text="look in its documentation for the setting that captures message content")

ANTHROPIC_SDK = "anthropic-sdk"

_KNOWN = {
    ANTHROPIC_SDK: Emitter(
        "anthropic-sdk.md",
        text="set ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content",
        off="set ANTHROPIC_OPEN_TELEMETRY=false",
    ),
    "jsonl": Emitter(
        "import-a-log.md",
        text="add input and output to the lines of the log",
        tokens="add input_tokens and output_tokens to the lines of the log",
    ),
    "opentelemetry-genai": Emitter(
        "by-hand.md", text="put gen_ai.input.messages and gen_ai.output.messages on the span"
    ),
    "opentelemetry-python": Emitter("openai-sdk.md", text=f"set {CAPTURE}=span_only"),
    "opentelemetry-python-v2": Emitter("openai-sdk.md", text=f"set {CAPTURE}=true, and OTEL_LOGS_EXPORTER=otlp"),
    "openllmetry": Emitter("openllmetry.md", text="remove TRACELOOP_TRACE_CONTENT=false"),
    "openinference": Emitter(
        "openinference.md", text="remove OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS"
    ),
    "logfire": Emitter("logfire.md", off="do not call logfire.instrument_openai() or instrument_anthropic()"),
    "pydantic-ai": Emitter(
        "pydantic-ai.md", text="do not set include_content=False", off="do not call instrument_pydantic_ai()"
    ),
    "litellm-generic": Emitter("litellm.md", off="remove the generic_api callback"),
    "litellm": Emitter("litellm.md", text=f"set {CAPTURE}=span_only", off='remove "otel" from the callbacks'),
    "langsmith": Emitter("langchain.md", off="unset LANGSMITH_OTEL_ENABLED"),
    "vercel-ai": Emitter("vercel-ai-sdk.md", text="do not set recordInputs or recordOutputs to false"),
    "langfuse": Emitter("langfuse.md"),
    "mlflow": Emitter("mlflow.md", off="do not call autolog()"),
    "openlit": Emitter(
        "openlit.md", text="do not set capture_message_content=False", off="name it in OPENLIT_DISABLED_INSTRUMENTORS"
    ),
    "aws-bedrock": Emitter("README.md", text=f"set {CAPTURE}=true"),
    "genkit": Emitter("README.md"),
    "google-adk": Emitter("README.md"),
    "mistral-sdk": Emitter("README.md"),
}


def emitter(name: str) -> Emitter:
    """What is known of an emitter by the name of its vocabulary; variants (`vercel-ai-legacy`) share their family's."""
    fitting = [known for known in _KNOWN if name == known or name.startswith(f"{known}-")]
    return _KNOWN[max(fitting, key=len)] if fitting else UNKNOWN
