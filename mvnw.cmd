@echo off
rem Calls the Maven on the PATH with a JDK >= 25, wherever the machine keeps one.
rem With --print-java-home it only says which one that is.
setlocal EnableExtensions
set "FOUND="
if defined JAVA_HOME call :try "%JAVA_HOME%"
if not defined FOUND for /f "delims=" %%J in ('where javac 2^>nul') do call :tryCompiler "%%J"
if not defined FOUND for /d %%D in ("%ProgramFiles%\Java\*" "%ProgramFiles%\Eclipse Adoptium\*" "%ProgramFiles%\Microsoft\*" "%ProgramFiles%\Zulu\*" "%ProgramFiles%\Amazon Corretto\*" "%USERPROFILE%\.jdks\*") do call :try "%%~D"
if not defined FOUND (
    echo No JDK 25 or newer was found in JAVA_HOME, on the PATH or in the usual folders; install one, for example Eclipse Temurin 25, and set JAVA_HOME to it. 1>&2
    exit /b 1
)
if "%~1"=="--print-java-home" (
    echo %FOUND%
    exit /b 0
)
where mvn >nul 2>nul
if errorlevel 1 (
    echo No mvn is on the PATH; install Maven 3.8 or newer. 1>&2
    exit /b 1
)
set "JAVA_HOME=%FOUND%"
rem Maven's own libraries still use Unsafe and JNI; their warnings are not about this build.
set "MAVEN_OPTS=--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED %MAVEN_OPTS%"
call mvn %*
exit /b %ERRORLEVEL%

:tryCompiler
for %%B in ("%~dp1..") do call :try "%%~fB"
exit /b 0

:try
if defined FOUND exit /b 0
if not exist "%~1\bin\javac.exe" exit /b 0
if not exist "%~1\release" exit /b 0
for /f "tokens=2 delims==" %%V in ('findstr /b "JAVA_VERSION=" "%~1\release"') do for /f "tokens=1 delims=." %%M in ("%%~V") do if %%M GEQ 25 set "FOUND=%~1"
exit /b 0
